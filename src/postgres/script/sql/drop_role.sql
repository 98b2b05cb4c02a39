-- The app and its data go. In the schema of its own everything goes, in `public` what it owns; what it owns in the
-- schema of another app stays, as the master's.
DO $drop$
DECLARE
  wanted CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb;
  own CONSTANT text := wanted->>'role';
  schema CONSTANT text := wanted->>'schema';
  login record;
  removed jsonb := '[]';
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = own) THEN
    FOR login IN
      SELECT member.rolname FROM pg_auth_members AS link
        JOIN pg_roles AS granted ON granted.oid = link.roleid AND granted.rolname = own
        JOIN pg_roles AS member ON member.oid = link.member
       WHERE member.rolname = wanted->>'login'
    LOOP
      EXECUTE format('ALTER ROLE %I NOLOGIN', login.rolname);
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = login.rolname;
      EXECUTE format('REASSIGN OWNED BY %I TO %I', login.rolname, own);
      EXECUTE format('DROP OWNED BY %I', login.rolname);
      EXECUTE format('DROP ROLE %I', login.rolname);
    END LOOP;
    EXECUTE format('ALTER ROLE %I NOLOGIN', own);
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = own;
    IF schema <> 'public' THEN
      IF EXISTS (SELECT FROM pg_namespace AS found JOIN pg_roles AS owner ON owner.oid = found.nspowner
                  WHERE found.nspname = schema AND owner.rolname = own) THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', schema);
        removed := removed || to_jsonb('schema ' || schema);
      END IF;
      EXECUTE format('REASSIGN OWNED BY %I TO %I', own, session_user);
    END IF;
    EXECUTE format('DROP OWNED BY %I CASCADE', own);
    EXECUTE format('DROP ROLE %I', own);
    removed := removed || to_jsonb('role ' || own);
  END IF;
  PERFORM set_config('deploy_native.result', removed::text, false);
END
$drop$;
