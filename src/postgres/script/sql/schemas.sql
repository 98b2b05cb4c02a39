-- One schema for each app. A schema that was named with hyphens before gets today's name, with all that is in it.
DO $schemas$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  app record;
  holder text;
  old_schema oid;
  new_schema oid;
  filled oid[];
  renamed text[] := '{}';
  held record;
BEGIN
  FOR app IN SELECT * FROM jsonb_to_recordset(apps) AS listed(role text, schema text) LOOP
    SELECT oid INTO new_schema FROM pg_namespace WHERE nspname = app.schema;
    SELECT coalesce('extension ' || quote_ident(extension.extname), 'role ' || quote_ident(owner.rolname)) INTO holder
      FROM pg_namespace AS schema
      JOIN pg_roles AS owner ON owner.oid = schema.nspowner
      LEFT JOIN pg_depend AS link ON link.classid = 'pg_namespace'::regclass AND link.objid = schema.oid
        AND link.refclassid = 'pg_extension'::regclass AND link.deptype = 'e'
      LEFT JOIN pg_extension AS extension ON extension.oid = link.refobjid
     WHERE schema.nspname = app.schema AND app.schema <> 'public'
       AND (extension.oid IS NOT NULL
            OR NOT owner.rolsuper AND NOT apps @> jsonb_build_array(jsonb_build_object('role', owner.rolname)));
    IF FOUND THEN
      RAISE EXCEPTION 'schema "%" of app role "%" belongs to %', app.schema, app.role, holder USING ERRCODE = 'DN005';
    END IF;
    old_schema := NULL;
    IF app.schema <> app.role AND app.schema = replace(app.role, '-', '_') THEN
      SELECT schema.oid INTO old_schema
        FROM pg_namespace AS schema JOIN pg_roles AS owner ON owner.oid = schema.nspowner
       WHERE schema.nspname = app.role AND owner.rolname IN (app.role, session_user);
    END IF;
    IF old_schema IS NOT NULL AND new_schema IS NOT NULL THEN
      SELECT array_agg(DISTINCT refobjid) INTO filled FROM pg_depend
       WHERE refclassid = 'pg_namespace'::regclass AND refobjid IN (old_schema, new_schema)
         AND classid <> 'pg_default_acl'::regclass;
      IF filled @> ARRAY[old_schema, new_schema] THEN
        RAISE EXCEPTION 'schemas "%" and "%" both hold data of app role "%"', app.role, app.schema, app.role
          USING ERRCODE = 'DN001';
      ELSIF filled @> ARRAY[old_schema] THEN
        EXECUTE format('DROP SCHEMA %I', app.schema);
        new_schema := NULL;
      END IF;
    END IF;
    IF old_schema IS NOT NULL AND new_schema IS NULL THEN
      EXECUTE format('ALTER SCHEMA %I RENAME TO %I', app.role, app.schema);
      new_schema := old_schema;
      renamed := renamed || app.role;
    END IF;
    IF new_schema IS NULL THEN
      EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', app.schema, app.role);
    ELSIF app.schema <> 'public' THEN
      EXECUTE format('ALTER SCHEMA %I OWNER TO %I', app.schema, app.role);
    ELSIF EXISTS (SELECT FROM pg_namespace AS schema JOIN pg_roles AS owner ON owner.oid = schema.nspowner
                   WHERE schema.nspname = app.schema AND owner.rolname <> app.role
                     AND apps @> jsonb_build_array(jsonb_build_object('role', owner.rolname))) THEN
      EXECUTE format('ALTER SCHEMA %I OWNER TO pg_database_owner', app.schema);
    END IF;

    FOR held IN
      SELECT stranger.rolname, entry.privilege_type
        FROM pg_namespace AS schema, aclexplode(schema.nspacl) AS entry, pg_roles AS stranger
       WHERE schema.nspname = app.schema AND entry.grantee = 0
         AND stranger.rolcanlogin AND NOT stranger.rolsuper
         AND NOT EXISTS (
           SELECT FROM jsonb_array_elements(apps) AS listed, pg_roles AS own
            WHERE own.rolname = listed->>'role' AND pg_has_role(stranger.oid, own.oid, 'MEMBER'))
    LOOP
      EXECUTE format('GRANT %s ON SCHEMA %I TO %I', held.privilege_type, app.schema, held.rolname);
    END LOOP;
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC CASCADE', app.schema);
    FOR held IN
      SELECT DISTINCT other.rolname
        FROM pg_namespace AS schema, aclexplode(schema.nspacl) AS entry
        JOIN pg_roles AS other ON other.oid = entry.grantee
       WHERE schema.nspname = app.schema AND other.rolname <> app.role
         AND apps @> jsonb_build_array(jsonb_build_object('role', other.rolname))
    LOOP
      EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I CASCADE', app.schema, held.rolname);
    END LOOP;
    EXECUTE format('GRANT ALL ON SCHEMA %I TO %I', app.schema, app.role);
  END LOOP;

  -- Live sessions would go on looking under the old name. New ones wait for this transaction, then find the new one;
  -- the pause lets those appear that have read their settings already.
  IF renamed <> '{}' THEN
    LOCK TABLE pg_db_role_setting IN ACCESS EXCLUSIVE MODE;
    IF NOT current_setting('deploy_native.preview')::bool THEN
      PERFORM pg_sleep(0.1);
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = ANY (renamed) AND datname = current_database();
    END IF;
  END IF;
END
$schemas$;
