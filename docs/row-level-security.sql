-- A second fence between the spaces of a team in PostgreSQL: a statement sees and changes the rows of the space that its
-- transaction names, and of no other. Run it as the owner of the tables, after the GRANTs; running it again changes nothing.
-- It counts for every role but the owner, so the servers must have a role of their own (docs/team.md, "Roles").
-- Servers name the space in the same round trip as the statement, so nothing has to be restarted.
--   psql "$OWNER_URL" --set schema=faiss_memory --file row-level-security.sql
\if :{?schema}
\else
\set schema faiss_memory
\endif
BEGIN;
SELECT set_config('search_path', :'schema', true);

DROP POLICY IF EXISTS one_space ON space;
CREATE POLICY one_space ON space
  USING (id = current_setting('faiss_memory.space', true))
  WITH CHECK (id = current_setting('faiss_memory.space', true));
ALTER TABLE space ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS one_space ON entry;
CREATE POLICY one_space ON entry
  USING (space = current_setting('faiss_memory.space', true))
  WITH CHECK (space = current_setting('faiss_memory.space', true));
ALTER TABLE entry ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS one_space ON memory_state;
CREATE POLICY one_space ON memory_state
  USING (space = current_setting('faiss_memory.space', true))
  WITH CHECK (space = current_setting('faiss_memory.space', true));
ALTER TABLE memory_state ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS one_space ON version;
CREATE POLICY one_space ON version
  USING (space = current_setting('faiss_memory.space', true))
  WITH CHECK (space = current_setting('faiss_memory.space', true));
ALTER TABLE version ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS one_space ON embedding;
CREATE POLICY one_space ON embedding
  USING (space = current_setting('faiss_memory.space', true))
  WITH CHECK (space = current_setting('faiss_memory.space', true));
ALTER TABLE embedding ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS one_space ON note;
CREATE POLICY one_space ON note
  USING (space = current_setting('faiss_memory.space', true))
  WITH CHECK (space = current_setting('faiss_memory.space', true));
ALTER TABLE note ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS one_space ON lease;
CREATE POLICY one_space ON lease
  USING (space = current_setting('faiss_memory.space', true))
  WITH CHECK (space = current_setting('faiss_memory.space', true));
ALTER TABLE lease ENABLE ROW LEVEL SECURITY;

-- The view obeys from PostgreSQL 15 on. PostgreSQL 14 would show all spaces in it, so it is taken from every other role.
DO $$
DECLARE reader text;
BEGIN
  IF current_setting('server_version_num')::integer >= 150000 THEN
    ALTER VIEW memory SET (security_invoker = true);
    RETURN;
  END IF;
  FOR reader IN
    SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl) WHERE oid = 'memory'::regclass AND grantee <> relowner
  LOOP
    EXECUTE 'REVOKE ALL ON memory FROM ' || reader;
  END LOOP;
END $$;
COMMIT;
