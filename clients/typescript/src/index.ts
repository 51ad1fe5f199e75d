export { createVault, type Vault } from './vault.js'
export type {
  ApiCredentials,
  CredentialEntry,
  IntegrationConfig,
  IntegrationStatus,
  NewCredential,
  ResendCredentials,
  Rotation,
  Settings,
  StripeCredentials,
  WiseCredentials,
} from './vault.js'
export { overPg, overPostgrest } from './transport.js'
export type { FunctionName, Queries, RpcClient, Transport } from './transport.js'
export { rlsContext, tokenContext, withTenantScope } from './scope.js'
export type { Connection, Pool, Row, TenantScope, TenantTransaction, Where, WithRlsContext, WithTokenContext } from './scope.js'
export { dropOnChange, type Listener } from './changes.js'
export { tenantClients, type CacheOptions, type Source, type TenantClients } from './clients.js'
export { NotConfiguredError, NotFoundError, TenantAccessError, VaultError } from './errors.js'
export type { Json, TenantApiService, VaultDatabase } from './database.js'
