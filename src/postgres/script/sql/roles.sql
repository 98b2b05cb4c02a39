-- One role for each app: it may log in, and nothing else.
DO $roles$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  app record;
  membership record;
  path text;
BEGIN
  FOR app IN SELECT * FROM jsonb_to_recordset(apps) AS listed(role text, schema text, verifier text) LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app.role) THEN
      EXECUTE format('CREATE ROLE %I', app.role);
    END IF;
    EXECUTE format(
      'ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD %L',
      app.role, app.verifier);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = app.role AND rolvaliduntil IS NOT NULL) THEN
      EXECUTE format('ALTER ROLE %I VALID UNTIL %L', app.role, 'infinity');
    END IF;
    -- Its own schema first. Then where extensions are: operators are found by the path alone, and a type without its
    -- operators compares as another one does. Names come from the catalogue only: a role can set its own path.
    WITH named AS (
      SELECT string_to_array(substr(entry, length('search_path=') + 1), ', ') AS entries
        FROM pg_db_role_setting AS setting JOIN pg_roles AS own ON own.oid = setting.setrole, unnest(setting.setconfig) AS entry
       WHERE own.rolname = app.role AND starts_with(entry, 'search_path=')
         AND setting.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       ORDER BY setting.setdatabase DESC LIMIT 1),
    safe AS (
      SELECT schema.nspname, EXISTS (SELECT FROM pg_extension WHERE extnamespace = schema.oid) AS extended
        FROM pg_namespace AS schema JOIN pg_roles AS owner ON owner.oid = schema.nspowner
       WHERE owner.rolsuper AND NOT starts_with(schema.nspname, 'pg_') AND schema.nspname <> 'information_schema'
         AND NOT EXISTS (SELECT FROM pg_roles AS other WHERE NOT other.rolsuper AND NOT starts_with(other.rolname, 'pg_')
                          AND has_schema_privilege(other.oid, schema.oid, 'CREATE'))
         AND NOT EXISTS (
           SELECT FROM (SELECT proowner FROM pg_proc WHERE pronamespace = schema.oid
                        UNION ALL SELECT oprowner FROM pg_operator WHERE oprnamespace = schema.oid
                        UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = schema.oid) AS object(owner)
             JOIN pg_roles AS maker ON maker.oid = object.owner WHERE NOT maker.rolsuper))
    SELECT string_agg(quote_ident(entry.name), ', ' ORDER BY entry.position) INTO path
      FROM (
        SELECT app.schema AS name, 0::bigint AS position
        UNION ALL
        SELECT 'extensions', 1
         WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'extensions')
            OR EXISTS (SELECT FROM safe WHERE safe.nspname = 'extensions')
        UNION ALL
        SELECT safe.nspname, 1 + listed.position
          FROM named, unnest(named.entries) WITH ORDINALITY AS listed(entry, position)
          JOIN safe ON listed.entry = quote_ident(safe.nspname) AND safe.extended AND safe.nspname <> 'extensions') AS entry
     WHERE entry.position = 0 OR NOT apps @> jsonb_build_array(jsonb_build_object('schema', entry.name));
    EXECUTE format('ALTER ROLE %I SET search_path TO %s', app.role, path);
    EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET search_path', app.role, current_database());
    EXECUTE format('ALTER ROLE %I RESET role', app.role);
    EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET role', app.role, current_database());
  END LOOP;

  -- Memberships through which an app would act as another app, the master or one of PostgreSQL's own powerful roles.
  FOR membership IN
    SELECT granted.rolname AS granted, member.rolname AS member, grantor.rolname AS grantor
      FROM pg_auth_members AS link
      JOIN pg_roles AS granted ON granted.oid = link.roleid
      JOIN pg_roles AS member ON member.oid = link.member
      LEFT JOIN pg_roles AS grantor ON grantor.oid = link.grantor
     WHERE apps @> jsonb_build_array(jsonb_build_object('role', member.rolname))
       AND (apps @> jsonb_build_array(jsonb_build_object('role', granted.rolname))
            OR granted.rolsuper OR granted.rolcreaterole OR granted.rolbypassrls OR granted.rolreplication
            OR starts_with(granted.rolname, 'pg_'))
  LOOP
    EXECUTE format('REVOKE %I FROM %I', membership.granted, membership.member)
      || coalesce(format(' GRANTED BY %I', membership.grantor), '') || ' CASCADE';
  END LOOP;
END
$roles$;
