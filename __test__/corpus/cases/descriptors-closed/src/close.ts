import { closeSync } from 'node:fs';
for (const fd of [0, 1, 2]) try { closeSync(fd); } catch {}
