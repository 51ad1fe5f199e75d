-- Writes src/database.ts from the catalog: what vault.expose_api exposes, in the shape that supabase-js knows as `Database`, and
-- what a driver must know of the arguments. Run on a database with the extension: psql -XAtq -f generate.sql > src/database.ts
-- The test it::clients::the_types_are_those_of_the_database compares (BLESS=1 writes).
SET search_path = pg_catalog;
WITH functions AS (
    SELECT p.oid, p.proname, p.pronargs, p.pronargdefaults, p.proargnames, p.proargmodes, p.proallargtypes, p.proargtypes,
           p.proretset, p.prorettype
      FROM vault.api_surface('supabase') AS a JOIN pg_proc AS p ON p.oid = a.object_name::regprocedure
     WHERE a.object_kind = 'FUNCTION'
), types (oid, ts) AS (
    SELECT t.oid, CASE
        WHEN t.typcategory = 'A' THEN CASE e.typname WHEN 'int4' THEN 'number[]' ELSE 'string[]' END
        WHEN t.typname IN ('int2', 'int4', 'int8', 'float8', 'numeric') THEN 'number'
        WHEN t.typname = 'bool' THEN 'boolean'
        WHEN t.typname IN ('json', 'jsonb') THEN 'Json'
        WHEN t.typname = 'void' THEN 'undefined'
        ELSE 'string' END
      FROM pg_type AS t LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A'
), arguments AS (
    SELECT f.oid, n, f.proargnames[n] AS name, f.proargtypes[n - 1] AS type, n > f.pronargs - f.pronargdefaults AS has_default
      FROM functions AS f CROSS JOIN LATERAL generate_series(1, f.pronargs) AS n
), columns AS (
    SELECT f.oid, n, f.proargnames[n] AS name, f.proallargtypes[n] AS type
      FROM functions AS f CROSS JOIN LATERAL generate_series(1, cardinality(f.proargmodes)) AS n
     WHERE f.proargmodes[n] = 't'
), signatures AS (
    SELECT f.proname, f.oid,
           COALESCE((SELECT '{ ' || string_agg(format('%s%s: %s', a.name, CASE WHEN a.has_default THEN '?' ELSE '' END,
                                                      t.ts || CASE WHEN a.has_default THEN ' | null' ELSE '' END), '; ' ORDER BY a.n) || ' }'
                       FROM arguments AS a JOIN types AS t ON t.oid = a.type WHERE a.oid = f.oid), 'Record<never, never>') AS args,
           CASE WHEN EXISTS (SELECT FROM columns AS c WHERE c.oid = f.oid)
                THEN (SELECT '{ ' || string_agg(format('%s: %s', quote_ident(c.name), t.ts || ' | null'), '; ' ORDER BY c.n) || ' }[]'
                        FROM columns AS c JOIN types AS t ON t.oid = c.type WHERE c.oid = f.oid)
                WHEN f.proretset THEN (SELECT t.ts || '[]' FROM types AS t WHERE t.oid = f.prorettype)
                ELSE (SELECT t.ts || CASE t.ts WHEN 'undefined' THEN '' ELSE ' | null' END FROM types AS t WHERE t.oid = f.prorettype)
           END AS returns,
           CASE WHEN f.proretset THEN 'rows' WHEN f.prorettype = 'void'::regtype THEN 'void' ELSE 'value' END AS shape,
           COALESCE((SELECT string_agg(format('%s: ''%s''', a.name, format_type(a.type, NULL)), ', ' ORDER BY a.n)
                       FROM arguments AS a WHERE a.oid = f.oid), '') AS sql_types
      FROM functions AS f
), views AS (
    SELECT v.oid, v.relname FROM vault.api_surface('supabase') AS a JOIN pg_class AS v ON v.oid = a.object_name::regclass
     WHERE a.object_kind = 'VIEW'
)
SELECT concat_ws(E'\n',
    '// Made by generate.sql from the catalog of a database with tenant_vault. Do not edit.',
    '',
    '/** What a JSON document can be. */',
    'export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]',
    '',
    '/** The wrappers of `vault.expose_api`, in the shape that supabase-js knows. */',
    'export type VaultDatabase = {',
    '  public: {',
    '    Tables: Record<never, never>',
    '    Views: {',
    (SELECT string_agg(format(E'      %s: {\n        Row: { %s }\n        Relationships: []\n      }', v.relname,
                              (SELECT string_agg(format('%s: %s | null', quote_ident(a.attname), t.ts), '; ' ORDER BY a.attnum)
                                 FROM pg_attribute AS a JOIN types AS t ON t.oid = a.atttypid
                                WHERE a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped)),
                       E'\n' ORDER BY v.relname COLLATE "C") FROM views AS v),
    '    }',
    '    Functions: {',
    (SELECT string_agg(format(E'      %s: {\n        Args: %s\n        Returns: %s\n      }', s.proname, s.args, s.returns),
                       E'\n' ORDER BY s.proname COLLATE "C") FROM signatures AS s),
    '    }',
    '    Enums: Record<never, never>',
    '    CompositeTypes: Record<never, never>',
    '  }',
    '}',
    '',
    '/** How each function answers, and the SQL types of its arguments. */',
    'export const FUNCTIONS = {',
    (SELECT string_agg(format('  %s: { shape: ''%s'', args: { %s } },', s.proname, s.shape, s.sql_types), E'\n' ORDER BY s.proname COLLATE "C")
       FROM signatures AS s),
    '} as const',
    '',
    '/** Services of the shipped catalogue that have no functions of their own. */',
    (SELECT 'export type TenantApiService = ' || string_agg(format('''%s''', s.service), ' | ' ORDER BY s.service COLLATE "C")
       FROM vault.integration_services AS s WHERE s.origin = 'shipped' AND s.service NOT IN ('stripe', 'resend', 'wise')));
