-- Apps that the workspace says may read another app's tables: they read, and nothing else.
DO $sharing$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  pair record;
BEGIN
  FOR pair IN
    SELECT listed.role, listed.schema, reader.role AS reader
      FROM jsonb_to_recordset(apps) AS listed(role text, schema text, readers jsonb),
           jsonb_array_elements_text(listed.readers) AS reader(role)
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', pair.schema, pair.reader);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', pair.schema, pair.reader);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO %I',
      pair.role, pair.schema, pair.reader);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO %I',
      session_user, pair.schema, pair.reader);
  END LOOP;
END
$sharing$;
