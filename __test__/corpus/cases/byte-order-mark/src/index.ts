import './config.js';
