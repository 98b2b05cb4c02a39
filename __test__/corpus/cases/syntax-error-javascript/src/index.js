import './broken.js';
