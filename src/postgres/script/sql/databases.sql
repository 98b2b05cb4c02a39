-- Nobody may connect or make temporary tables merely by being there. Logins that are not ours keep what they had
-- through PUBLIC until now.
DO $databases$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  target record;
  held record;
  app record;
BEGIN
  FOR target IN
    SELECT oid, datname, coalesce(datacl, acldefault('d', datdba)) AS acl,
           apps @> jsonb_build_array(jsonb_build_object('role', pg_get_userbyid(datdba))) AS owned
      FROM pg_database
     WHERE datname IN (current_database(), 'postgres', 'template1')
  LOOP
    -- Its owner can give itself every privilege on it again, and owns the schema "public" with it.
    IF target.owned THEN
      EXECUTE format('ALTER DATABASE %I OWNER TO %I', target.datname, session_user);
    END IF;
    FOR held IN
      SELECT stranger.rolname, entry.privilege_type
        FROM aclexplode(target.acl) AS entry, pg_roles AS stranger
       WHERE entry.grantee = 0 AND stranger.rolcanlogin AND NOT stranger.rolsuper
         AND NOT EXISTS (
           SELECT FROM jsonb_array_elements(apps) AS listed, pg_roles AS own
            WHERE own.rolname = listed->>'role' AND pg_has_role(stranger.oid, own.oid, 'MEMBER'))
    LOOP
      EXECUTE format('GRANT %s ON DATABASE %I TO %I', held.privilege_type, target.datname, held.rolname);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC CASCADE', target.datname);
    FOR app IN SELECT * FROM jsonb_to_recordset(apps) AS listed(role text) LOOP
      EXECUTE format('REVOKE ALL ON DATABASE %I FROM %I CASCADE', target.datname, app.role);
      IF target.datname = current_database() THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', target.datname, app.role);
      END IF;
    END LOOP;
  END LOOP;
END
$databases$;
