import express = require('express');
import Service = require('./service');
import settings = require('./settings');
import { config } from './config';
import { inner } from './exported';

const service = new Service(express());
if (service.kind !== settings.kind || inner !== 1) throw new Error('wrong module');
console.log(config.port);
