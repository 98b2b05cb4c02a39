-- A second login that acts as the app's role: what it makes is the app's, and what the app may do it may.
DO $login$
DECLARE
  wanted CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb;
  own CONSTANT text := wanted->>'role';
  login CONSTANT text := wanted->>'login';
  path text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = own) THEN
    RAISE EXCEPTION 'role "%" does not exist', own USING ERRCODE = 'undefined_object';
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
    IF NOT EXISTS (SELECT FROM pg_auth_members AS link
                     JOIN pg_roles AS granted ON granted.oid = link.roleid AND granted.rolname = own
                     JOIN pg_roles AS member ON member.oid = link.member AND member.rolname = login) THEN
      RAISE EXCEPTION 'role "%" exists already and does not act as role "%"', login, own USING ERRCODE = 'DN004';
    END IF;
  ELSE
    EXECUTE format('CREATE ROLE %I', login);
    EXECUTE format('GRANT %I TO %I', own, login);
  END IF;
  EXECUTE format(
    'ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD %L',
    login, wanted->>'verifier');
  -- It looks where the role looks. Names come from the catalogue only: a role can set its own path.
  SELECT string_agg(quote_ident(schema.name), ', ' ORDER BY listed.position) INTO path
    FROM pg_roles AS role, unnest(role.rolconfig) AS setting,
         unnest(string_to_array(substr(setting, length('search_path=') + 1), ', ')) WITH ORDINALITY AS listed(entry, position)
    JOIN (SELECT nspname AS name FROM pg_namespace UNION SELECT 'extensions') AS schema
      ON listed.entry = quote_ident(schema.name)
   WHERE role.rolname = own AND starts_with(setting, 'search_path=');
  EXECUTE format('ALTER ROLE %I SET search_path TO %s', login, coalesce(path, quote_ident(wanted->>'schema')));
  EXECUTE format('ALTER ROLE %I SET role TO %L', login, own);
  PERFORM set_config('deploy_native.result', '[]', false);
END
$login$;
