-- The second login goes; what it may own all the same stays, as the app's.
DO $login$
DECLARE
  wanted CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb;
  own CONSTANT text := wanted->>'role';
  login CONSTANT text := wanted->>'login';
BEGIN
  IF EXISTS (SELECT FROM pg_auth_members AS link
               JOIN pg_roles AS granted ON granted.oid = link.roleid AND granted.rolname = own
               JOIN pg_roles AS member ON member.oid = link.member AND member.rolname = login) THEN
    EXECUTE format('ALTER ROLE %I NOLOGIN', login);
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = login;
    EXECUTE format('REASSIGN OWNED BY %I TO %I', login, own);
    EXECUTE format('DROP OWNED BY %I', login);
    EXECUTE format('DROP ROLE %I', login);
  END IF;
  PERFORM set_config('deploy_native.result', '[]', false);
END
$login$;
