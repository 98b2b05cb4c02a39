import * as express from 'express';
import * as logger from './logger';
import { config } from './config';

express().use((express as any).json());
logger.info('up');
console.log(config.port);
