import './patch.js';
await import('./config.js');
