-- Another password: sessions that stand are not ended, new ones need it from now on.
DO $password$
DECLARE
  wanted CONSTANT jsonb := current_setting('deploy_native.wanted')::jsonb;
BEGIN
  EXECUTE format('ALTER ROLE %I PASSWORD %L', wanted->>'role', wanted->>'verifier');
  PERFORM set_config('deploy_native.result', '[]', false);
END
$password$;
