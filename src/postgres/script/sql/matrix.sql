-- Every privilege of every app role, as the catalogue has it, with what was tried; summed up.
DO $matrix$
BEGIN
  PERFORM set_config('deploy_native.result', (
    WITH wanted AS (SELECT current_setting('deploy_native.wanted')::jsonb->'apps' AS apps),
    app AS MATERIALIZED (
      SELECT own.oid, listed.role, listed.schema, listed.readers, schema.oid AS namespace
        FROM wanted, jsonb_to_recordset(wanted.apps) AS listed(role text, schema text, readers jsonb)
        JOIN pg_roles AS own ON own.rolname = listed.role
        JOIN pg_namespace AS schema ON schema.nspname = listed.schema),
    -- Each app role against each app's schema.
    pair AS MATERIALIZED (
      SELECT app.oid, app.role, target.schema, target.namespace, target.oid AS owner,
             app.oid = target.oid AS own, target.readers ? app.role AS reader,
             has_schema_privilege(app.oid, target.namespace, 'USAGE') AS enters
        FROM app, app AS target),
    extension AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
    -- Schemas in which an app may look after its own: those of extensions, into which nobody but a superuser has put or may
    -- put anything. `extensions` may be named before it is made.
    behind AS MATERIALIZED (
      SELECT quote_ident(schema.nspname) AS entry
        FROM pg_namespace AS schema JOIN pg_roles AS owner ON owner.oid = schema.nspowner
       WHERE owner.rolsuper AND NOT starts_with(schema.nspname, 'pg_') AND schema.nspname <> 'information_schema'
         AND schema.nspname NOT IN (SELECT schema FROM app)
         AND (schema.nspname = 'extensions' OR EXISTS (SELECT FROM pg_extension WHERE extnamespace = schema.oid))
         AND NOT EXISTS (SELECT FROM pg_roles AS other WHERE NOT other.rolsuper AND NOT starts_with(other.rolname, 'pg_')
                          AND has_schema_privilege(other.oid, schema.oid, 'CREATE'))
         AND NOT EXISTS (
           SELECT FROM (SELECT proowner FROM pg_proc WHERE pronamespace = schema.oid
                        UNION ALL SELECT oprowner FROM pg_operator WHERE oprnamespace = schema.oid
                        UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = schema.oid) AS object(owner)
             JOIN pg_roles AS maker ON maker.oid = object.owner WHERE NOT maker.rolsuper)
      UNION ALL
      SELECT 'extensions' WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'extensions')),
    -- Where each role looks, by itself and in this database: first in its own schema, then in those at most.
    path AS MATERIALIZED (
      SELECT app.oid AS role, setting.setdatabase AS base,
             value = quote_ident(app.schema)
               OR starts_with(value, quote_ident(app.schema) || ', ')
                  AND string_to_array(substr(value, length(quote_ident(app.schema)) + 3), ', ')
                      <@ (SELECT coalesce(array_agg(entry), '{}') FROM behind) AS fits
        FROM app JOIN pg_db_role_setting AS setting ON setting.setrole = app.oid
          AND setting.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())),
             unnest(setting.setconfig) AS entry, substr(entry, length('search_path=') + 1) AS value
       WHERE starts_with(entry, 'search_path=')),
    found AS (
      -- The role itself.
      SELECT app.role, 'role ' || app.role AS scope, 'role ' || app.role AS object, flag.privilege, flag.expected, flag.actual
        FROM app JOIN pg_roles AS own ON own.oid = app.oid, LATERAL (VALUES
          ('LOGIN', true, own.rolcanlogin), ('SUPERUSER', false, own.rolsuper), ('CREATEDB', false, own.rolcreatedb),
          ('CREATEROLE', false, own.rolcreaterole), ('REPLICATION', false, own.rolreplication),
          ('BYPASSRLS', false, own.rolbypassrls),
          -- A setting for this database would go before that of the role.
          ('search_path', true, EXISTS (SELECT FROM path WHERE path.role = own.oid AND path.base = 0)
            AND NOT EXISTS (SELECT FROM path WHERE path.role = own.oid AND NOT path.fits))
        ) AS flag(privilege, expected, actual)
      UNION ALL
      -- Roles that it must not become.
      SELECT app.role, 'roles of others', 'role ' || other.rolname, 'MEMBER', false,
             pg_has_role(app.oid, other.oid, 'MEMBER')
        FROM app JOIN pg_roles AS other ON other.oid <> app.oid
       WHERE other.oid IN (SELECT oid FROM app) OR other.rolsuper OR other.rolcreaterole OR other.rolbypassrls
          OR other.rolreplication OR starts_with(other.rolname, 'pg_') AND other.rolname <> 'pg_database_owner'
      UNION ALL
      -- Databases.
      SELECT app.role, CASE WHEN base.datname = current_database() THEN 'database ' || base.datname
               ELSE 'other databases' END,
             'database ' || base.datname, privilege, base.datname = current_database() AND privilege = 'CONNECT',
             has_database_privilege(app.oid, base.oid, privilege)
        FROM app, pg_database AS base, unnest(ARRAY['CONNECT', 'TEMPORARY', 'CREATE']) AS privilege
       WHERE base.datallowconn
      UNION ALL
      SELECT app.role, CASE WHEN base.datname = current_database() THEN 'database ' || base.datname
               ELSE 'other databases' END,
             'database ' || base.datname, 'OWNER', false, pg_has_role(app.oid, base.datdba, 'MEMBER')
        FROM app, pg_database AS base
      UNION ALL
      -- The server: what would open large objects, or everything, to a role.
      SELECT app.role, 'server', 'parameter lo_compat_privileges', 'reading of large objects', false,
             current_setting('lo_compat_privileges')::bool
               OR has_parameter_privilege(app.oid, 'lo_compat_privileges', 'SET')
        FROM app
      UNION ALL
      SELECT app.role, 'server', 'parameter ' || parameter.parname, 'ALTER SYSTEM', false,
             has_parameter_privilege(app.oid, parameter.parname, 'ALTER SYSTEM')
        FROM app, pg_parameter_acl AS parameter
      UNION ALL
      SELECT app.role, 'large objects', 'large object ' || object.oid, entry.privilege_type, false, true
        FROM app JOIN pg_largeobject_metadata AS object ON object.lomowner <> app.oid,
             aclexplode(object.lomacl) AS entry
       WHERE object.lomowner IN (SELECT oid FROM app)
         AND CASE entry.grantee WHEN 0 THEN true ELSE pg_has_role(app.oid, entry.grantee, 'USAGE') END
      UNION ALL
      -- Who owns a thing can give itself every privilege on it again.
      SELECT pair.role, 'schema ' || pair.schema, item.object, 'OWNER', false, pg_has_role(pair.oid, item.owner, 'MEMBER')
        FROM pair, LATERAL (
          SELECT 'schema ' || pair.schema AS object, nspowner AS owner FROM pg_namespace WHERE oid = pair.namespace
          UNION ALL
          SELECT CASE relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END || oid::regclass, relowner FROM pg_class
           WHERE relnamespace = pair.namespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
          UNION ALL
          SELECT 'function ' || oid::regprocedure, proowner FROM pg_proc WHERE pronamespace = pair.namespace
          UNION ALL
          SELECT 'type ' || oid::regtype, typowner FROM pg_type
           WHERE typnamespace = pair.namespace AND typtype IN ('d', 'e', 'r')) AS item
       WHERE NOT pair.own
      UNION ALL
      -- Schemas.
      SELECT pair.role, 'schema ' || pair.schema, 'schema ' || pair.schema, privilege,
             pair.own OR pair.reader AND privilege = 'USAGE', has_schema_privilege(pair.oid, pair.namespace, privilege)
        FROM pair, unnest(ARRAY['USAGE', 'CREATE']) AS privilege
      UNION ALL
      -- Tables and views. Who may use what an extension brings is the extension's matter.
      SELECT pair.role, 'schema ' || pair.schema, 'table ' || object.oid::regclass, privilege,
             pair.own OR pair.reader AND privilege = 'SELECT',
             has_table_privilege(pair.oid, object.oid, privilege)
               OR privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                  AND has_any_column_privilege(pair.oid, object.oid, privilege)
        FROM pair JOIN pg_class AS object ON object.relnamespace = pair.namespace,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
               || CASE WHEN current_setting('server_version_num')::int >= 170000 THEN ARRAY['MAINTAIN'] END) AS privilege
       WHERE object.relkind IN ('r', 'p', 'v', 'm', 'f')
         AND (NOT pair.own OR privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
         AND NOT EXISTS (SELECT FROM extension
                          WHERE extension.classid = 'pg_class'::regclass AND extension.objid = object.oid)
      UNION ALL
      SELECT pair.role, 'schema ' || pair.schema, 'sequence ' || object.oid::regclass, privilege, pair.own,
             has_sequence_privilege(pair.oid, object.oid, privilege)
        FROM pair JOIN pg_class AS object ON object.relnamespace = pair.namespace,
             unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS privilege
       WHERE object.relkind = 'S' AND NOT EXISTS (SELECT FROM extension
                 WHERE extension.classid = 'pg_class'::regclass AND extension.objid = object.oid)
      UNION ALL
      -- Functions: everyone may execute a new one, where they may enter; being named, or owning it, is another matter.
      SELECT pair.role, 'schema ' || pair.schema, 'function ' || object.oid::regprocedure, 'EXECUTE', pair.own,
             CASE WHEN pair.own THEN has_function_privilege(pair.oid, object.oid, 'EXECUTE')
               ELSE object.proowner = pair.oid
                 OR pair.enters AND NOT pair.reader AND has_function_privilege(pair.oid, object.oid, 'EXECUTE')
                 OR EXISTS (SELECT FROM aclexplode(object.proacl) AS entry
                             WHERE entry.grantee <> 0 AND pg_has_role(pair.oid, entry.grantee, 'USAGE')) END
        FROM pair JOIN pg_proc AS object ON object.pronamespace = pair.namespace
       WHERE NOT EXISTS (SELECT FROM extension
                          WHERE extension.classid = 'pg_proc'::regclass AND extension.objid = object.oid)
      UNION ALL
      -- Types: everyone may use a new one, where they may enter; being named is another matter.
      SELECT pair.role, 'schema ' || pair.schema, 'type ' || object.oid::regtype, 'USAGE', pair.own,
             CASE WHEN pair.own THEN has_type_privilege(pair.oid, object.oid, 'USAGE')
               ELSE EXISTS (SELECT FROM aclexplode(object.typacl) AS entry
                             WHERE entry.grantee <> 0 AND pg_has_role(pair.oid, entry.grantee, 'USAGE')) END
        FROM pair JOIN pg_type AS object ON object.typnamespace = pair.namespace
       WHERE object.typtype IN ('d', 'e', 'r') AND NOT EXISTS (SELECT FROM extension
               WHERE extension.classid = 'pg_type'::regclass AND extension.objid = object.oid)
      UNION ALL
      -- What would be given with new objects.
      SELECT pair.role, 'schema ' || pair.schema,
             format('new objects of %s in schema %s', pg_get_userbyid(rule.defaclrole), pair.schema),
             entry.privilege_type, false, true
        FROM pair JOIN pg_default_acl AS rule
          ON rule.defaclnamespace = pair.namespace OR rule.defaclnamespace = 0
             AND (rule.defaclrole = pair.owner OR has_schema_privilege(rule.defaclrole, pair.namespace, 'CREATE')),
             aclexplode(rule.defaclacl) AS entry
       WHERE NOT pair.own AND entry.grantee <> rule.defaclrole
         AND CASE entry.grantee WHEN 0 THEN rule.defaclobjtype IN ('r', 'S')
                                         AND (rule.defaclnamespace <> 0 OR rule.defaclrole = pair.owner)
               ELSE pg_has_role(pair.oid, entry.grantee, 'USAGE') END
         AND NOT (pair.reader AND rule.defaclobjtype = 'r' AND entry.privilege_type = 'SELECT')
    ),
    outcome AS MATERIALIZED (
      SELECT role, scope, object, privilege, expected, actual, NULL::text AS note FROM found
      UNION ALL
      SELECT role, scope, object, privilege, expected, actual, note
        FROM jsonb_to_recordset(current_setting('deploy_native.tried')::jsonb) AS tried(
          role text, scope text, object text, privilege text, expected boolean, actual boolean, note text)),
    -- Schemas that no app owns and no extension brings: what an app role may do there is told, not judged.
    strange AS (
      SELECT app.role, 'schema ' || schema.nspname AS object, privilege
        FROM app, pg_namespace AS schema, unnest(ARRAY['USAGE', 'CREATE']) AS privilege
       WHERE NOT starts_with(schema.nspname, 'pg_') AND schema.nspname <> 'information_schema'
         AND schema.oid NOT IN (SELECT namespace FROM app)
         AND schema.oid NOT IN (SELECT extnamespace FROM pg_extension)
         AND NOT EXISTS (SELECT FROM extension WHERE classid = 'pg_namespace'::regclass AND objid = schema.oid)
         AND has_schema_privilege(app.oid, schema.oid, privilege)
      UNION ALL
      SELECT app.role, 'role ' || other.rolname, 'MEMBER'
        FROM app JOIN pg_roles AS other ON other.oid <> app.oid
       WHERE other.oid NOT IN (SELECT oid FROM app) AND NOT other.rolsuper AND NOT other.rolcreaterole
         AND NOT other.rolbypassrls AND NOT other.rolreplication AND NOT starts_with(other.rolname, 'pg_')
         AND pg_has_role(app.oid, other.oid, 'MEMBER')
      UNION ALL
      -- What it was given by name elsewhere, or by an extension's master.
      SELECT app.role, CASE object.relkind WHEN 'S' THEN 'sequence ' ELSE 'table ' END || object.oid::regclass,
             entry.privilege_type
        FROM app, pg_class AS object, aclexplode(object.relacl) AS entry
       WHERE entry.grantee = app.oid AND object.relowner <> app.oid
         AND object.relnamespace NOT IN (SELECT namespace FROM app)
      UNION ALL
      SELECT app.role, 'function ' || object.oid::regprocedure, entry.privilege_type
        FROM app, pg_proc AS object, aclexplode(object.proacl) AS entry
       WHERE entry.grantee = app.oid AND object.proowner <> app.oid
         AND (object.pronamespace NOT IN (SELECT namespace FROM app) OR EXISTS (SELECT FROM extension
               WHERE extension.classid = 'pg_proc'::regclass AND extension.objid = object.oid))
      UNION ALL
      -- What acts for it as somebody else.
      SELECT app.role, format('function %s, which acts as %s', object.oid::regprocedure, pg_get_userbyid(object.proowner)),
             'EXECUTE'
        FROM app JOIN pg_proc AS object ON object.prosecdef AND object.proowner <> app.oid
       WHERE has_schema_privilege(app.oid, object.pronamespace, 'USAGE')
         AND has_function_privilege(app.oid, object.oid, 'EXECUTE')
         AND object.pronamespace <> 'pg_catalog'::regnamespace
         AND NOT EXISTS (SELECT FROM extension
                          WHERE extension.classid = 'pg_proc'::regclass AND extension.objid = object.oid)
      UNION ALL
      SELECT DISTINCT pair.role, format('table %s, which reads %s as %s', object.oid::regclass, source.oid::regclass,
               pg_get_userbyid(object.relowner)), 'SELECT'
        FROM pair JOIN pg_class AS object ON object.relnamespace = pair.namespace AND object.relkind IN ('v', 'm')
        JOIN pg_rewrite AS rule ON rule.ev_class = object.oid
        JOIN pg_depend AS link ON link.classid = 'pg_rewrite'::regclass AND link.objid = rule.oid
        JOIN pg_class AS source ON link.refclassid = 'pg_class'::regclass AND source.oid = link.refobjid
       WHERE object.relowner <> pair.oid AND pair.enters AND has_table_privilege(pair.oid, object.oid, 'SELECT')
         AND source.relnamespace IN (SELECT namespace FROM app WHERE app.oid <> pair.oid)
         AND source.relnamespace <> object.relnamespace
         AND NOT coalesce(object.reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on',
               'security_invoker=1', 'security_invoker=yes']
      UNION ALL
      SELECT app.role, 'foreign server ' || server.srvname, 'USAGE'
        FROM app, pg_foreign_server AS server WHERE has_server_privilege(app.oid, server.oid, 'USAGE')
      UNION ALL
      SELECT app.role, 'parameter ' || parameter.parname, 'SET' FROM app, pg_parameter_acl AS parameter
       WHERE parameter.parname <> 'lo_compat_privileges'
         AND has_parameter_privilege(app.oid, parameter.parname, 'SET')),
    line AS (
      SELECT 1 AS part, 0 AS depth, jsonb_build_object('kind', 'missing', 'role', listed->>'role', 'object', 'schema ' || (listed->>'schema')) AS line
        FROM wanted, jsonb_array_elements(wanted.apps) AS listed
       WHERE listed->>'role' NOT IN (SELECT role FROM app)
      UNION ALL
      SELECT 2, 0, jsonb_build_object('kind', 'scope', 'role', role, 'object', scope, 'allowed', expected, 'checks', count(*))
        FROM outcome GROUP BY role, scope, expected
      UNION ALL
      -- What others follow from comes first: it is what is named.
      SELECT 3, CASE WHEN scope = 'roles of others' THEN 0 WHEN object = 'role ' || role THEN 1 WHEN privilege = 'OWNER' THEN 2
               WHEN object = scope AND privilege IN ('USAGE', 'CREATE') THEN 3 ELSE 4 END,
             jsonb_build_object('kind', 'broken', 'role', role, 'object', object, 'privilege', privilege,
               'expected', expected, 'actual', actual, 'note', note)
        FROM outcome WHERE expected <> actual
      UNION ALL
      SELECT 4, 0, jsonb_build_object('kind', 'unmanaged', 'role', role, 'object', object, 'privilege', privilege) FROM strange)
    SELECT coalesce(jsonb_agg(line ORDER BY part, depth, line->>'role', line->>'object', line->>'privilege'), '[]') FROM line
  )::text, true);
END
$matrix$;
