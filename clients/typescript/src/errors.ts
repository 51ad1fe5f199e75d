/** What the vault, or whatever stands before it, answers instead of a value. No message of the vault's holds a secret. */
export class VaultError extends Error {
  /** The SQLSTATE; over HTTP also a code of PostgREST's own. Match on this, not on the message. */
  readonly code: string
  readonly details: string | null
  readonly hint: string | null
  /** Over HTTP: the status. */
  readonly status: number | null

  constructor(answer: VaultAnswer) {
    super(answer.message)
    this.name = new.target.name
    this.code = answer.code
    this.details = answer.details ?? null
    this.hint = answer.hint ?? null
    this.status = answer.status ?? null
  }
}

/** 42501: the caller may not, or the transaction acts for another tenant, or for none. */
export class TenantAccessError extends VaultError {}

/** 42704: unknown, deleted, or another tenant's. */
export class NotFoundError extends VaultError {}

/** The tenant has not connected this service. */
export class NotConfiguredError extends Error {
  readonly service: string

  constructor(service: string) {
    super(`the tenant has no ${service} credentials`)
    this.name = 'NotConfiguredError'
    this.service = service
  }
}

export interface VaultAnswer {
  message: string
  code: string
  details?: string | null | undefined
  hint?: string | null | undefined
  status?: number | null | undefined
}

/** The right class for an answer. */
export function vaultError(answer: VaultAnswer): VaultError {
  switch (answer.code) {
    case '42501':
      return new TenantAccessError(answer)
    case '42704':
      return new NotFoundError(answer)
    default:
      return new VaultError(answer)
  }
}
