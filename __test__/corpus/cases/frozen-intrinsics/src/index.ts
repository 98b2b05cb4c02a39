import 'zod';
import './freeze.js';
await import('./config.js');
