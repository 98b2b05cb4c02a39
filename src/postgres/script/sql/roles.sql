-- One role for each app: it may log in, and nothing else.
DO $roles$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  app record;
  membership record;
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
    EXECUTE format('ALTER ROLE %I SET search_path TO %I', app.role, app.schema);
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
