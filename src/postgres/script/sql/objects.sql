-- What stands in an app's schema becomes the app's: it owns what the master made, where that changes nothing for
-- others, and may use the rest; no other app may.
DO $objects$
DECLARE
  apps CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb->'apps';
  app record;
  item record;
  kind text;
  shared_routines oid[];
  shared_types oid[];
BEGIN
  -- What is used from elsewhere stays the master's: who owns a routine or a domain decides what runs where it is used,
  -- be that as another app (a default, a constraint) or as the master (an event trigger, a cast).
  SELECT array_agg(DISTINCT refobjid) FILTER (WHERE refclassid = 'pg_proc'::regclass),
         array_agg(DISTINCT refobjid) FILTER (WHERE refclassid = 'pg_type'::regclass)
    INTO shared_routines, shared_types
    FROM (
      SELECT used.refclassid, used.refobjid,
             CASE used.refclassid
               WHEN 'pg_proc'::regclass THEN (SELECT pronamespace FROM pg_proc WHERE oid = used.refobjid)
               ELSE (SELECT typnamespace FROM pg_type WHERE oid = used.refobjid) END AS home,
             CASE used.classid
               WHEN 'pg_class'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid = used.objid)
               WHEN 'pg_proc'::regclass THEN (SELECT pronamespace FROM pg_proc WHERE oid = used.objid)
               WHEN 'pg_type'::regclass THEN (SELECT typnamespace FROM pg_type WHERE oid = used.objid)
               WHEN 'pg_operator'::regclass THEN (SELECT oprnamespace FROM pg_operator WHERE oid = used.objid)
               WHEN 'pg_constraint'::regclass THEN (SELECT connamespace FROM pg_constraint WHERE oid = used.objid)
               WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxnamespace FROM pg_statistic_ext WHERE oid = used.objid)
               WHEN 'pg_attrdef'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid =
                 (SELECT adrelid FROM pg_attrdef WHERE oid = used.objid))
               WHEN 'pg_trigger'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid =
                 (SELECT tgrelid FROM pg_trigger WHERE oid = used.objid))
               WHEN 'pg_rewrite'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid =
                 (SELECT ev_class FROM pg_rewrite WHERE oid = used.objid))
               WHEN 'pg_policy'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid =
                 (SELECT polrelid FROM pg_policy WHERE oid = used.objid)) END AS place
        FROM pg_depend AS used
       WHERE used.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass) AND used.deptype IN ('n', 'a')) AS uses
   WHERE place IS DISTINCT FROM home;

  FOR app IN
    SELECT listed.role, listed.schema, schema.oid AS namespace, own.oid AS role_oid, master.oid AS master_oid
      FROM jsonb_to_recordset(apps) AS listed(role text, schema text)
      JOIN pg_namespace AS schema ON schema.nspname = listed.schema
      JOIN pg_roles AS own ON own.rolname = listed.role
      JOIN pg_roles AS master ON master.rolname = session_user
  LOOP
    -- Not what belongs to an extension; no table with row security, which does not bind an owner; no view that looks
    -- outside of the schema, which it does with its owner's rights.
    FOR item IN
      SELECT object.oid::regclass AS name, object.relkind
        FROM pg_class AS object
       WHERE object.relnamespace = app.namespace AND object.relowner = app.master_oid
         AND object.relkind IN ('r', 'p', 'S', 'v', 'm') AND NOT object.relrowsecurity
         AND NOT EXISTS (SELECT FROM pg_depend AS link
                          WHERE link.objid = object.oid AND link.objsubid = 0 AND link.classid = 'pg_class'::regclass
                            AND (link.deptype IN ('e', 'i') OR object.relkind = 'S' AND link.deptype = 'a'))
         AND NOT EXISTS (
           SELECT FROM pg_rewrite AS rule
             JOIN pg_depend AS link ON link.classid = 'pg_rewrite'::regclass AND link.objid = rule.oid
             JOIN pg_class AS source ON link.refclassid = 'pg_class'::regclass AND source.oid = link.refobjid
            WHERE rule.ev_class = object.oid
              AND source.relnamespace NOT IN (app.namespace, 'pg_catalog'::regnamespace))
       ORDER BY object.oid
    LOOP
      kind := CASE item.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                ELSE 'TABLE' END;
      EXECUTE format('ALTER %s %s OWNER TO %I', kind, item.name, app.role);
    END LOOP;
    FOR item IN
      SELECT object.oid::regprocedure AS name
        FROM pg_proc AS object
       WHERE object.pronamespace = app.namespace AND object.proowner = app.master_oid AND NOT object.prosecdef
         AND object.oid <> ALL (coalesce(shared_routines, '{}'))
         AND NOT EXISTS (SELECT FROM pg_depend AS link WHERE link.objid = object.oid
                           AND link.classid = 'pg_proc'::regclass AND link.deptype IN ('e', 'i'))
    LOOP
      EXECUTE format('ALTER ROUTINE %s OWNER TO %I', item.name, app.role);
    END LOOP;
    FOR item IN
      SELECT object.oid::regtype AS name,
             object.typowner = app.master_oid AND object.oid <> ALL (coalesce(shared_types, '{}')) AS moves
        FROM pg_type AS object
        LEFT JOIN pg_class AS rows ON rows.oid = object.typrelid
       WHERE object.typnamespace = app.namespace AND object.typowner <> app.role_oid
         AND (object.typtype IN ('d', 'e', 'r') OR object.typtype = 'c' AND rows.relkind = 'c')
         AND NOT EXISTS (SELECT FROM pg_depend AS link WHERE link.objid = object.oid
                           AND link.classid = 'pg_type'::regclass AND link.deptype IN ('e', 'i'))
    LOOP
      IF item.moves THEN
        EXECUTE format('ALTER TYPE %s OWNER TO %I', item.name, app.role);
      ELSE
        EXECUTE format('GRANT ALL ON TYPE %s TO %I', item.name, app.role);
      END IF;
    END LOOP;

    -- What it does not own it may use; and what it owns, should it have taken that from itself. Extensions say
    -- themselves who may use what they bring.
    FOR item IN
      SELECT object.oid::regclass AS name, CASE object.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
        FROM pg_class AS object
       WHERE object.relnamespace = app.namespace AND object.relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
         AND NOT EXISTS (SELECT FROM pg_depend AS link WHERE link.objid = object.oid
                           AND link.classid = 'pg_class'::regclass AND link.deptype = 'e')
         AND (object.relowner <> app.role_oid
              OR EXISTS (SELECT FROM unnest(CASE object.relkind WHEN 'S' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
                           ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS needed
                          WHERE NOT CASE object.relkind
                            WHEN 'S' THEN has_sequence_privilege(app.role_oid, object.oid, needed)
                            ELSE has_table_privilege(app.role_oid, object.oid, needed) END))
    LOOP
      EXECUTE format('GRANT ALL ON %s %s TO %I', item.kind, item.name, app.role);
    END LOOP;
    FOR item IN
      SELECT object.oid::regprocedure AS name FROM pg_proc AS object
       WHERE object.pronamespace = app.namespace
         AND NOT EXISTS (SELECT FROM pg_depend AS link WHERE link.objid = object.oid
                           AND link.classid = 'pg_proc'::regclass AND link.deptype = 'e')
         AND (object.proowner <> app.role_oid OR NOT has_function_privilege(app.role_oid, object.oid, 'EXECUTE'))
    LOOP
      EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', item.name, app.role);
    END LOOP;

    -- What other apps or everyone were given is taken back; not from an owner, who would lose its data.
    FOR item IN
      SELECT DISTINCT given.name, given.kind,
             CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(other.rolname) END AS grantee
        FROM (
          SELECT object.oid AS object, 'pg_class'::regclass AS catalog, object.oid::regclass::text AS name,
                 CASE object.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, entry.grantee,
                 object.relowner AS owner
            FROM pg_class AS object, aclexplode(object.relacl) AS entry
           WHERE object.relnamespace = app.namespace AND object.relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
          UNION ALL
          SELECT object.oid, 'pg_class'::regclass, object.oid::regclass::text, 'TABLE', entry.grantee,
                 object.relowner
            FROM pg_class AS object JOIN pg_attribute AS field ON field.attrelid = object.oid,
                 aclexplode(field.attacl) AS entry
           WHERE object.relnamespace = app.namespace AND object.relkind IN ('r', 'p', 'v', 'm', 'f')
          UNION ALL
          SELECT object.oid, 'pg_proc'::regclass, object.oid::regprocedure::text, 'ROUTINE', entry.grantee,
                 object.proowner
            FROM pg_proc AS object, aclexplode(coalesce(object.proacl, acldefault('f', object.proowner))) AS entry
           WHERE object.pronamespace = app.namespace
          UNION ALL
          SELECT object.oid, 'pg_type'::regclass, object.oid::regtype::text, 'TYPE', entry.grantee,
                 object.typowner
            FROM pg_type AS object, aclexplode(object.typacl) AS entry
           WHERE object.typnamespace = app.namespace AND entry.grantee <> 0
        ) AS given
        LEFT JOIN pg_roles AS other ON other.oid = given.grantee
       WHERE given.grantee <> given.owner AND (given.grantee = 0
              OR other.oid <> app.role_oid AND apps @> jsonb_build_array(jsonb_build_object('role', other.rolname)))
         AND NOT EXISTS (SELECT FROM pg_depend AS link WHERE link.objid = given.object
                           AND link.classid = given.catalog AND link.deptype = 'e' AND given.grantee = 0)
         -- A default elsewhere calls it as whoever inserts; by name nobody can who may not enter the schema.
         AND NOT (given.kind = 'ROUTINE' AND given.grantee = 0 AND given.object = ANY (coalesce(shared_routines, '{}')))
    LOOP
      EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', item.kind, item.name, item.grantee);
    END LOOP;
  END LOOP;

  -- Large objects have no schema: they are their owner's.
  FOR item IN
    SELECT DISTINCT object.oid AS name, CASE entry.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(other.rolname) END AS grantee
      FROM pg_largeobject_metadata AS object
      JOIN pg_roles AS owner ON owner.oid = object.lomowner
      CROSS JOIN aclexplode(object.lomacl) AS entry
      LEFT JOIN pg_roles AS other ON other.oid = entry.grantee
     WHERE apps @> jsonb_build_array(jsonb_build_object('role', owner.rolname)) AND entry.grantee <> object.lomowner
       AND (entry.grantee = 0 OR apps @> jsonb_build_array(jsonb_build_object('role', other.rolname)))
  LOOP
    EXECUTE format('REVOKE ALL ON LARGE OBJECT %s FROM %s CASCADE', item.name, item.grantee);
  END LOOP;
END
$objects$;
