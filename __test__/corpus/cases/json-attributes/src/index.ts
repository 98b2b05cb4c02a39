import { createRequire } from 'node:module';
import { EnvironmentParser } from '@geekmidas/envkit';
import names from './names.json' with { type: 'json' };
const more: string[] = createRequire(import.meta.url)('./more.json');
const { default: again } = await import('./names.json', { with: { type: 'json' } });
if (again.port !== names.port || names.default !== 'x') throw new Error('another value');
new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({ port: get(names.port).string(), url: get(names['with-dash']).string(), extra: get(more[0]!).string() })).parse();
