-- Refuses what cannot end well, and lets one run at a time work in this database.
DO $begin$
DECLARE
  wanted CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb;
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION 'role "%" is not a superuser, and cannot give every app a role of its own', session_user
      USING ERRCODE = 'DN002';
  END IF;
  -- Role 10 is the superuser that the server was made with, who may have another name than ours.
  IF EXISTS (SELECT FROM jsonb_array_elements(wanted->'apps') AS app JOIN pg_roles AS own ON own.rolname = app->>'role'
              WHERE own.rolname = session_user OR own.oid = 10) THEN
    RAISE EXCEPTION 'role "%" is a master of this server, and cannot be that of an app', (
      SELECT rolname FROM pg_roles JOIN jsonb_array_elements(wanted->'apps') AS app ON rolname = app->>'role'
       WHERE rolname = session_user OR oid = 10 LIMIT 1) USING ERRCODE = 'DN003';
  END IF;
  IF current_setting('server_version_num')::int >= 170000 THEN
    PERFORM set_config('transaction_timeout', '0', true);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('deploy-native', 0));
END
$begin$;
