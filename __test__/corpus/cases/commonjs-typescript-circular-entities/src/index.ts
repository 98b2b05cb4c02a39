import 'reflect-metadata';
import { DataSource } from 'typeorm';
import * as entities from './entities';
import { config } from './config';

export const source = new DataSource({ type: 'postgres', url: config.database_url, entities: Object.values(entities) });
source.initialize().catch((error) => console.log(error.message));
