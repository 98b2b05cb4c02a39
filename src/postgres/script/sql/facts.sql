-- What stands, one sentence for each fact; the difference of before and after is what was changed.
SELECT coalesce(jsonb_agg(fact ORDER BY fact), '[]') FROM (
  WITH wanted AS (SELECT current_setting('deploy_native.wanted')::jsonb->'apps' AS apps),
  app AS (
    SELECT app.role, app.schema FROM wanted, jsonb_to_recordset(wanted.apps) AS app(role text, schema text)),
  managed AS (
    SELECT schema.oid, schema.nspname, schema.nspowner, schema.nspacl FROM pg_namespace AS schema
     WHERE schema.nspname IN (SELECT schema FROM app UNION ALL SELECT role FROM app)),
  own AS (SELECT role.* FROM pg_roles AS role JOIN app ON app.role = role.rolname)
  SELECT format('role %s: %s%s', own.rolname, attribute, setting) AS fact FROM own, LATERAL (
    SELECT 'exists' AS attribute, '' AS setting
    UNION ALL SELECT attribute, '' FROM (VALUES
      ('LOGIN', own.rolcanlogin), ('SUPERUSER', own.rolsuper), ('CREATEDB', own.rolcreatedb),
      ('CREATEROLE', own.rolcreaterole), ('REPLICATION', own.rolreplication), ('BYPASSRLS', own.rolbypassrls)
    ) AS flag(attribute, held) WHERE flag.held
    UNION ALL SELECT 'setting ', entry FROM unnest(own.rolconfig) AS entry
    UNION ALL SELECT 'member of ', granted.rolname FROM pg_auth_members AS link
      JOIN pg_roles AS granted ON granted.oid = link.roleid WHERE link.member = own.oid) AS held
  UNION ALL
  SELECT format('database %s: %s for %s', base.datname, entry.privilege_type,
           CASE entry.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(entry.grantee) END)
    FROM pg_database AS base, aclexplode(coalesce(base.datacl, acldefault('d', base.datdba))) AS entry
   WHERE base.datname IN (current_database(), 'postgres', 'template1') AND entry.grantee <> base.datdba
  UNION ALL
  SELECT format('database %s: owned by %s', datname, pg_get_userbyid(datdba)) FROM pg_database
   WHERE datname IN (current_database(), 'postgres', 'template1')
  UNION ALL
  SELECT format('schema %s: owned by %s', nspname, pg_get_userbyid(nspowner)) FROM managed
  UNION ALL
  SELECT format('schema %s: %s for %s', managed.nspname, entry.privilege_type,
           CASE entry.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(entry.grantee) END)
    FROM managed, aclexplode(managed.nspacl) AS entry WHERE entry.grantee <> managed.nspowner
  UNION ALL
  SELECT format('schema %s: %s tables and sequences owned by %s', managed.nspname, count(*),
           pg_get_userbyid(object.relowner))
    FROM managed JOIN pg_class AS object ON object.relnamespace = managed.oid
   WHERE object.relkind IN ('r', 'p', 'S', 'v', 'm', 'f') GROUP BY managed.nspname, object.relowner
  UNION ALL
  SELECT format('schema %s: %s for %s on %s tables and sequences', managed.nspname, entry.privilege_type,
           CASE entry.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(entry.grantee) END, count(*))
    FROM managed JOIN pg_class AS object ON object.relnamespace = managed.oid, aclexplode(object.relacl) AS entry
   WHERE entry.grantee <> object.relowner GROUP BY managed.nspname, entry.privilege_type, entry.grantee
  UNION ALL
  SELECT format('schema %s: %s routines executable by everyone', managed.nspname, count(*))
    FROM managed JOIN pg_proc AS object ON object.pronamespace = managed.oid,
         aclexplode(coalesce(object.proacl, acldefault('f', object.proowner))) AS entry
   WHERE entry.grantee = 0 GROUP BY managed.nspname
  UNION ALL
  SELECT format('new objects of %s%s: %s on %s for %s', pg_get_userbyid(rule.defaclrole),
           coalesce(' in schema ' || managed.nspname, ''), entry.privilege_type,
           CASE rule.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'routines'
             WHEN 'T' THEN 'types' ELSE 'schemas' END,
           CASE entry.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(entry.grantee) END)
    FROM pg_default_acl AS rule LEFT JOIN managed ON managed.oid = rule.defaclnamespace,
         aclexplode(rule.defaclacl) AS entry
   WHERE managed.oid IS NOT NULL OR rule.defaclrole IN (SELECT oid FROM own)
) AS facts
