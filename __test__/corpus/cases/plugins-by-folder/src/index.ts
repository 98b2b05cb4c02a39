import { readdir } from 'node:fs/promises';

const app = { async register(plugin: Promise<{ default: (app: unknown) => Promise<void> }>) { await (await plugin).default(app); } };
for (const file of (await readdir(new URL('./plugins', import.meta.url))).sort()) {
  await app.register(import(new URL(`./plugins/${file}`, import.meta.url).href));
}
