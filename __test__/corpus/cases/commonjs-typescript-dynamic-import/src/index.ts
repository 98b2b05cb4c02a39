import { config } from './config';
import Client, { ready } from 'esm-only';

async function main() {
  const { late, default: whole } = await import('./late');
  const { default: marked } = await import('marked');
  const { default: Again } = await import('esm-only');
  if (late === undefined || whole !== 'whole' || marked() !== 'marked' || Again !== Client || !ready) throw new Error('wrong default');
}
main().catch((error) => { console.error(error); process.exit(1); });
console.log(new Client().kind, config.port);
