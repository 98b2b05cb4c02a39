import './config';
import './client';
import './mail';
