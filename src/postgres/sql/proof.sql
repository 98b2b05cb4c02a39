-- What every app role can and cannot do: asked of the catalogue, and tried out as each role in subtransactions that are
-- taken back. Answers with the outcomes, summed up by role and scope, and with each that is not as it must be.
DO $proof$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  master CONSTANT name := session_user;
  probe CONSTANT text := 'probe_' || current_setting('deploy_native.frame');
  tried text[] := '{}';
  pair record;
  attempt record;
  actual boolean;
  note text;
BEGIN
  FOR pair IN
    SELECT owner.role AS owner, owner.schema, other.role, other.role = owner.role AS own,
           owner.readers ? other.role AS reader,
           row_number() OVER (PARTITION BY owner.role ORDER BY other.role <> owner.role, other.role) AS number
      FROM jsonb_to_recordset(apps) AS owner(role text, schema text, readers jsonb),
           jsonb_to_recordset(apps) AS other(role text)
     ORDER BY owner.role, number
  LOOP
    -- Objects of the future: made in the schema by the master and by its owner, for this pair alone.
    BEGIN
      EXECUTE format('CREATE TABLE %1$I.%2$I (id serial PRIMARY KEY, v text);
        CREATE FUNCTION %1$I.%3$I() RETURNS int LANGUAGE sql AS ''SELECT 1''',
        pair.schema, probe || '_m', probe || '_mf');
      EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', pair.owner);
      EXECUTE format('CREATE TABLE %1$I.%2$I (id serial PRIMARY KEY, v text);
        CREATE FUNCTION %1$I.%3$I() RETURNS int LANGUAGE sql AS ''SELECT 1'';
        CREATE TYPE %1$I.%4$I AS ENUM (''a'')',
        pair.schema, probe || '_o', probe || '_of', probe || '_ot');
      SET LOCAL SESSION AUTHORIZATION DEFAULT;
      FOR attempt IN
        SELECT format(statement, pair.schema, probe || maker.suffix, probe || maker.suffix || '_id_seq',
                 probe || maker.suffix || 'f', pair.role) AS statement,
               privilege || ' on ' || subject || ' made by ' || maker.role AS privilege,
               pair.own OR pair.reader AND privilege = 'SELECT' AS expected
          FROM (VALUES ('_m', 'the master'), ('_o', 'its owner')) AS maker(suffix, role),
               (VALUES
                 ('SELECT', 'a table', 'SELECT * FROM %1$I.%2$I'),
                 ('INSERT', 'a table', 'INSERT INTO %1$I.%2$I (id, v) VALUES (1, ''a'')'),
                 ('UPDATE', 'a table', 'UPDATE %1$I.%2$I SET v = ''b'''),
                 ('DELETE', 'a table', 'DELETE FROM %1$I.%2$I'),
                 ('TRUNCATE', 'a table', 'TRUNCATE %1$I.%2$I'),
                 ('USAGE', 'a sequence', 'SELECT nextval(''%1$I.%3$I'')'),
                 ('UPDATE', 'a sequence', 'SELECT setval(''%1$I.%3$I'', 5)'),
                 ('EXECUTE', 'a function', 'SELECT %1$I.%4$I()')) AS what(privilege, subject, statement)
         WHERE NOT (pair.reader AND privilege = 'EXECUTE')
        UNION ALL
        SELECT format(statement, pair.schema, probe || '_o', probe || '_n'), privilege, pair.own
          FROM (VALUES
            ('CREATE', 'CREATE TABLE %1$I.%3$I (a int)'),
            ('REFERENCES', 'CREATE TABLE %1$I.%3$I (a int REFERENCES %1$I.%2$I)'),
            ('ALTER', 'ALTER TABLE %1$I.%2$I ADD COLUMN w text'),
            ('DROP', 'DROP TABLE %1$I.%2$I')) AS what(privilege, statement)
        UNION ALL
        SELECT format('SET LOCAL ROLE %I', pair.owner), 'SET ROLE', pair.own
        UNION ALL
        SELECT format('ALTER ROLE %I CONNECTION LIMIT 1', pair.owner), 'ALTER ROLE', false WHERE NOT pair.own
        UNION ALL
        SELECT format(statement, probe || '_n', master), privilege, false
          FROM (VALUES
            ('TEMPORARY', 'CREATE TEMPORARY TABLE %1$I (a int)'),
            ('CREATE SCHEMA', 'CREATE SCHEMA %1$I'),
            ('CREATE ROLE', 'CREATE ROLE %1$I'),
            ('SET ROLE of the master', 'SET LOCAL ROLE %2$I'),
            ('reading passwords', 'SELECT rolpassword FROM pg_authid'),
            ('running programs', 'COPY (SELECT 1) TO PROGRAM ''true''')) AS what(privilege, statement)
         WHERE pair.own
      LOOP
        note := NULL;
        BEGIN
          EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', pair.role);
          EXECUTE attempt.statement;
          RAISE EXCEPTION 'taken back' USING ERRCODE = 'DN900';
        EXCEPTION
          WHEN SQLSTATE 'DN900' THEN actual := true;
          WHEN insufficient_privilege THEN actual := false;
          WHEN lock_not_available OR deadlock_detected OR query_canceled THEN RAISE;
          WHEN OTHERS THEN
            actual := NOT attempt.expected;
            note := SQLSTATE || ' ' || SQLERRM;
        END;
        tried := tried || jsonb_build_object('role', pair.role, 'scope', format('schema %s', pair.schema),
          'object', format('schema %s', pair.schema), 'privilege', attempt.privilege, 'expected', attempt.expected,
          'actual', actual, 'note', note)::text;
      END LOOP;
      RAISE EXCEPTION 'taken back' USING ERRCODE = 'DN901';
    EXCEPTION
      WHEN SQLSTATE 'DN901' THEN NULL;
      WHEN lock_not_available OR deadlock_detected OR query_canceled THEN RAISE;
      WHEN OTHERS THEN
        tried := tried || jsonb_build_object('role', pair.owner, 'scope', format('schema %s', pair.schema),
          'object', format('schema %s', pair.schema), 'privilege', 'CREATE', 'expected', true, 'actual', false,
          'note', SQLSTATE || ' ' || SQLERRM)::text;
    END;
  END LOOP;
  PERFORM set_config('deploy_native.tried', coalesce((SELECT jsonb_agg(entry::jsonb) FROM unnest(tried) AS entry), '[]')::text, true);
END
$proof$;
