-- What the master or the app makes in the schema from now on is the app's to use, and no other app's.
DO $defaults$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  app record;
  stale record;
  -- Whether the master has taken EXECUTE on its new routines from everyone.
  closed CONSTANT boolean := EXISTS (
    SELECT FROM pg_default_acl AS rule JOIN pg_roles AS creator ON creator.oid = rule.defaclrole
     WHERE creator.rolname = session_user AND rule.defaclnamespace = 0 AND rule.defaclobjtype = 'f'
       AND NOT EXISTS (SELECT FROM aclexplode(rule.defaclacl) AS entry WHERE entry.grantee = 0));
BEGIN
  FOR stale IN
    SELECT DISTINCT creator.rolname AS creator, schema.nspname AS schema,
           CASE entry.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(grantee.rolname) END AS grantee,
           CASE rule.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES'
             WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS kind
      FROM pg_default_acl AS rule
      JOIN pg_roles AS creator ON creator.oid = rule.defaclrole
      LEFT JOIN pg_namespace AS schema ON schema.oid = rule.defaclnamespace
      CROSS JOIN aclexplode(rule.defaclacl) AS entry
      LEFT JOIN pg_roles AS grantee ON grantee.oid = entry.grantee
     WHERE rule.defaclobjtype IN ('r', 'S', 'f', 'T', 'n', 'L')
       AND (entry.grantee <> rule.defaclrole AND apps @> jsonb_build_array(jsonb_build_object('role', grantee.rolname))
            OR entry.grantee = 0 AND apps @> jsonb_build_array(jsonb_build_object('schema', schema.nspname)))
  LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s REVOKE ALL ON %s FROM %s', stale.creator,
      coalesce('IN SCHEMA ' || quote_ident(stale.schema), ''), stale.kind, stale.grantee);
  END LOOP;
  FOR app IN SELECT * FROM jsonb_to_recordset(apps) AS listed(role text, schema text) LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON ROUTINES FROM PUBLIC', app.role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON TYPES FROM PUBLIC', app.role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT ALL ON TABLES TO %I',
      session_user, app.schema, app.role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT ALL ON SEQUENCES TO %I',
      session_user, app.schema, app.role);
    -- Everyone may execute the master's new routines, and only the app can enter. A grant by name would also be one on
    -- what an extension means for nobody but the master: dblink_connect_u, pg_stat_statements_reset.
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I %s ALL ON ROUTINES %s %I',
      session_user, app.schema, CASE WHEN closed THEN 'GRANT' ELSE 'REVOKE' END,
      CASE WHEN closed THEN 'TO' ELSE 'FROM' END, app.role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT ALL ON TYPES TO %I',
      session_user, app.schema, app.role);
  END LOOP;
END
$defaults$;
