-- The app is gone: its role may not log in any more, its data stays.
DO $disable$
DECLARE
  own CONSTANT text := current_setting('deploy_native.wanted')::jsonb->>'role';
  kept jsonb := '[]';
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = own) THEN
    EXECUTE format('ALTER ROLE %I NOLOGIN', own);
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = own;
    SELECT coalesce(jsonb_agg(line ORDER BY line), '[]') INTO kept FROM (
      SELECT format('schema %s: %s tables', schema.nspname, count(object.oid)) AS line
        FROM pg_namespace AS schema
        JOIN pg_roles AS owner ON owner.rolname = own
        LEFT JOIN pg_class AS object
          ON object.relnamespace = schema.oid AND object.relowner = owner.oid AND object.relkind IN ('r', 'p')
       WHERE schema.nspowner = owner.oid OR object.oid IS NOT NULL
       GROUP BY schema.nspname) AS kept;
  END IF;
  PERFORM set_config('deploy_native.result', kept::text, false);
END
$disable$;
