-- What every app role can and cannot do with objects of the future, tried out as each role in subtransactions that are
-- taken back.
DO $proof$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  master CONSTANT name := session_user;
  probe CONSTANT text := 'probe_' || current_setting('deploy_native.frame');
  tried text[] := '{}';
  owner record;
  attempt record;
  actual boolean;
  note text;
BEGIN
  FOR owner IN
    SELECT listed.role, listed.schema, listed.readers, format('schema %s', listed.schema) AS scope
      FROM jsonb_to_recordset(apps) AS listed(role text, schema text, readers jsonb)
  LOOP
    BEGIN
      -- Made in the schema by the master and by its owner.
      EXECUTE format(
        $$CREATE TABLE %1$I.%2$I (id serial PRIMARY KEY, v text);
          CREATE FUNCTION %1$I.%3$I() RETURNS int LANGUAGE sql AS 'SELECT 1'$$,
        owner.schema, probe || '_m', probe || '_mf');
      EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', owner.role);
      EXECUTE format(
        $$CREATE TABLE %1$I.%2$I (id serial PRIMARY KEY, v text);
          CREATE FUNCTION %1$I.%3$I() RETURNS int LANGUAGE sql AS 'SELECT 1';
          CREATE TYPE %1$I.%4$I AS ENUM ('a')$$,
        owner.schema, probe || '_o', probe || '_of', probe || '_ot');
      SET LOCAL SESSION AUTHORIZATION DEFAULT;

      FOR attempt IN
        WITH other AS (
          SELECT listed.role, listed.role = owner.role AS own, owner.readers ? listed.role AS reader
            FROM jsonb_to_recordset(apps) AS listed(role text))
        SELECT other.role, what.privilege || ' on ' || what.subject || ' made by ' || maker.name AS privilege,
               other.own OR other.reader AND what.privilege = 'SELECT' AS expected,
               format(what.statement, owner.schema, probe || maker.suffix,
                 format('%I.%I', owner.schema, probe || maker.suffix || '_id_seq'), probe || maker.suffix || 'f') AS statement
          FROM other,
               (VALUES ('_m', 'the master'), ('_o', 'its owner')) AS maker(suffix, name),
               (VALUES
                 ('SELECT', 'a table', 'SELECT * FROM %1$I.%2$I'),
                 ('INSERT', 'a table', $$INSERT INTO %1$I.%2$I (id, v) VALUES (1, 'a')$$),
                 ('UPDATE', 'a table', $$UPDATE %1$I.%2$I SET v = 'b'$$),
                 ('DELETE', 'a table', 'DELETE FROM %1$I.%2$I'),
                 ('TRUNCATE', 'a table', 'TRUNCATE %1$I.%2$I'),
                 ('USAGE', 'a sequence', 'SELECT nextval(%3$L)'),
                 ('UPDATE', 'a sequence', 'SELECT setval(%3$L, 5)'),
                 ('EXECUTE', 'a function', 'SELECT %1$I.%4$I()')) AS what(privilege, subject, statement)
         WHERE NOT (other.reader AND what.privilege = 'EXECUTE')
        UNION ALL
        SELECT other.role, what.privilege, other.own, format(what.statement, owner.schema, probe || '_o', probe || '_n')
          FROM other,
               (VALUES
                 ('CREATE', 'CREATE TABLE %1$I.%3$I (a int)'),
                 ('REFERENCES', 'CREATE TABLE %1$I.%3$I (a int REFERENCES %1$I.%2$I)'),
                 ('ALTER', 'ALTER TABLE %1$I.%2$I ADD COLUMN w text'),
                 ('DROP', 'DROP TABLE %1$I.%2$I')) AS what(privilege, statement)
        UNION ALL
        SELECT other.role, 'SET ROLE of its owner', other.own, format('SET LOCAL ROLE %I', owner.role) FROM other
        UNION ALL
        SELECT other.role, 'ALTER ROLE of its owner', false, format('ALTER ROLE %I CONNECTION LIMIT 1', owner.role)
          FROM other WHERE NOT other.own
        UNION ALL
        SELECT other.role, what.privilege, false, format(what.statement, probe || '_n', master)
          FROM other,
               (VALUES
                 ('CREATE TEMPORARY TABLE', 'CREATE TEMPORARY TABLE %1$I (a int)'),
                 ('CREATE SCHEMA', 'CREATE SCHEMA %1$I'),
                 ('CREATE ROLE', 'CREATE ROLE %1$I'),
                 ('SET ROLE of the master', 'SET LOCAL ROLE %2$I'),
                 ('reading of passwords', 'SELECT rolpassword FROM pg_authid'),
                 ('running of programs', $$COPY (SELECT 1) TO PROGRAM 'true'$$)) AS what(privilege, statement)
         WHERE other.own
      LOOP
        note := NULL;
        BEGIN
          EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', attempt.role);
          EXECUTE attempt.statement;
          RAISE EXCEPTION 'taken back' USING ERRCODE = 'DN900';
        EXCEPTION
          WHEN SQLSTATE 'DN900' THEN actual := true;
          WHEN insufficient_privilege THEN actual := false;
          WHEN lock_not_available OR deadlock_detected OR query_canceled THEN RAISE;
          WHEN OTHERS THEN
            -- Neither done nor refused: nothing is proven by it.
            actual := NOT attempt.expected;
            note := SQLSTATE || ' ' || SQLERRM;
        END;
        tried := tried || jsonb_build_object('role', attempt.role, 'scope', owner.scope, 'object', owner.scope,
          'privilege', attempt.privilege, 'expected', attempt.expected, 'actual', actual, 'note', note)::text;
      END LOOP;
      RAISE EXCEPTION 'taken back' USING ERRCODE = 'DN901';
    EXCEPTION
      WHEN SQLSTATE 'DN901' THEN NULL;
      WHEN lock_not_available OR deadlock_detected OR query_canceled THEN RAISE;
      WHEN OTHERS THEN
        tried := tried || jsonb_build_object('role', owner.role, 'scope', owner.scope, 'object', owner.scope,
          'privilege', 'CREATE', 'expected', true, 'actual', false, 'note', SQLSTATE || ' ' || SQLERRM)::text;
    END;
  END LOOP;
  PERFORM set_config('deploy_native.tried',
    coalesce((SELECT jsonb_agg(entry::jsonb) FROM unnest(tried) AS entry), '[]')::text, true);
END
$proof$;
