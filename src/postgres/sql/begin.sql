-- Refuses what cannot end well, and lets one run at a time work in this database.
DO $begin$
DECLARE
  wanted CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb;
BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION 'role "%" is not a superuser, and cannot give every app a role of its own', session_user
      USING ERRCODE = 'DN002';
  END IF;
  IF EXISTS (SELECT FROM jsonb_array_elements(wanted->'apps') AS app WHERE app->>'role' = session_user) THEN
    RAISE EXCEPTION 'role "%" is the one that provisions, and cannot be that of an app', session_user
      USING ERRCODE = 'DN003';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('deploy-native', 0));
END
$begin$;
