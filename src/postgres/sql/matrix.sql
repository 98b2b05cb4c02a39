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
    found AS (
      -- The role itself.
      SELECT app.role, 'role ' || app.role AS scope, 'role ' || app.role AS object, flag.privilege, flag.expected, flag.actual
        FROM app JOIN pg_roles AS own ON own.oid = app.oid, LATERAL (VALUES
          ('LOGIN', true, own.rolcanlogin), ('SUPERUSER', false, own.rolsuper), ('CREATEDB', false, own.rolcreatedb),
          ('CREATEROLE', false, own.rolcreaterole), ('REPLICATION', false, own.rolreplication),
          ('BYPASSRLS', false, own.rolbypassrls),
          ('search_path', true, coalesce('search_path=' || quote_ident(app.schema) = ANY (own.rolconfig), false))
        ) AS flag(privilege, expected, actual)
      UNION ALL
      -- Roles that it must not become.
      SELECT app.role, 'roles of others', 'role ' || other.rolname, 'MEMBER', false,
             pg_has_role(app.oid, other.oid, 'MEMBER')
        FROM app JOIN pg_roles AS other ON other.oid <> app.oid
       WHERE other.oid IN (SELECT oid FROM app) OR other.rolsuper OR other.rolcreaterole OR other.rolbypassrls
          OR other.rolreplication OR starts_with(other.rolname, 'pg_')
      UNION ALL
      -- Databases.
      SELECT app.role, CASE WHEN base.datname = current_database() THEN 'database ' || base.datname
               ELSE 'other databases' END,
             'database ' || base.datname, privilege, base.datname = current_database() AND privilege = 'CONNECT',
             has_database_privilege(app.oid, base.oid, privilege)
        FROM app, pg_database AS base, unnest(ARRAY['CONNECT', 'TEMPORARY', 'CREATE']) AS privilege
       WHERE base.datallowconn
      UNION ALL
      -- Schemas.
      SELECT pair.role, 'schema ' || pair.schema, 'schema ' || pair.schema, privilege,
             pair.own OR pair.reader AND privilege = 'USAGE', has_schema_privilege(pair.oid, pair.namespace, privilege)
        FROM pair, unnest(ARRAY['USAGE', 'CREATE']) AS privilege
      UNION ALL
      -- Tables and views. What an extension brings is everyone's to read, where they may enter.
      SELECT pair.role, 'schema ' || pair.schema, 'table ' || object.oid::regclass, privilege,
             pair.own OR pair.reader AND privilege = 'SELECT',
             has_table_privilege(pair.oid, object.oid, privilege)
               OR privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                  AND has_any_column_privilege(pair.oid, object.oid, privilege)
        FROM pair JOIN pg_class AS object ON object.relnamespace = pair.namespace,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
               || CASE WHEN current_setting('server_version_num')::int >= 170000 THEN ARRAY['MAINTAIN'] END) AS privilege
       WHERE object.relkind IN ('r', 'p', 'v', 'm', 'f')
         AND (pair.own AND privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
              OR NOT pair.own AND NOT EXISTS (SELECT FROM extension
                   WHERE extension.classid = 'pg_class'::regclass AND extension.objid = object.oid))
      UNION ALL
      SELECT pair.role, 'schema ' || pair.schema, 'sequence ' || object.oid::regclass, privilege, pair.own,
             has_sequence_privilege(pair.oid, object.oid, privilege)
        FROM pair JOIN pg_class AS object ON object.relnamespace = pair.namespace,
             unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS privilege
       WHERE object.relkind = 'S'
      UNION ALL
      -- Functions: everyone may execute a new one, where they may enter; being named, or owning it, is another matter.
      SELECT pair.role, 'schema ' || pair.schema, 'function ' || object.oid::regprocedure, 'EXECUTE', pair.own,
             CASE WHEN pair.own THEN has_function_privilege(pair.oid, object.oid, 'EXECUTE')
               ELSE object.proowner = pair.oid
                 OR pair.enters AND NOT pair.reader AND has_function_privilege(pair.oid, object.oid, 'EXECUTE')
                 OR EXISTS (SELECT FROM aclexplode(object.proacl) AS entry
                             WHERE entry.grantee <> 0 AND pg_has_role(pair.oid, entry.grantee, 'USAGE')) END
        FROM pair JOIN pg_proc AS object ON object.pronamespace = pair.namespace
      UNION ALL
      -- What would be given with new objects.
      SELECT pair.role, 'schema ' || pair.schema,
             format('new objects of %s in schema %s', pg_get_userbyid(rule.defaclrole), pair.schema),
             entry.privilege_type, false, true
        FROM pair JOIN pg_default_acl AS rule
          ON rule.defaclnamespace = pair.namespace OR rule.defaclnamespace = 0 AND rule.defaclrole = pair.owner,
             aclexplode(rule.defaclacl) AS entry
       WHERE NOT pair.own AND rule.defaclobjtype IN ('r', 'S')
         AND CASE entry.grantee WHEN 0 THEN true ELSE pg_has_role(pair.oid, entry.grantee, 'USAGE') END
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
         AND pg_has_role(app.oid, other.oid, 'MEMBER')),
    line AS (
      SELECT 1 AS part, jsonb_build_object('kind', 'missing', 'role', listed->>'role', 'object', 'schema ' || (listed->>'schema')) AS line
        FROM wanted, jsonb_array_elements(wanted.apps) AS listed
       WHERE listed->>'role' NOT IN (SELECT role FROM app)
      UNION ALL
      SELECT 2, jsonb_build_object('kind', 'scope', 'role', role, 'object', scope, 'allowed', expected, 'checks', count(*))
        FROM outcome GROUP BY role, scope, expected
      UNION ALL
      SELECT 3, jsonb_build_object('kind', 'broken', 'role', role, 'object', object, 'privilege', privilege,
               'expected', expected, 'actual', actual, 'note', note)
        FROM outcome WHERE expected <> actual
      UNION ALL
      SELECT 4, jsonb_build_object('kind', 'unmanaged', 'role', role, 'object', object, 'privilege', privilege) FROM strange)
    SELECT coalesce(jsonb_agg(line ORDER BY part, line->>'role', line->>'object', line->>'privilege'), '[]') FROM line
  )::text, true);
END
$matrix$;
