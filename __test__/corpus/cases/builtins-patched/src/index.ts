import '@geekmidas/envkit';
import './patch.js';
await import('./config.js');
