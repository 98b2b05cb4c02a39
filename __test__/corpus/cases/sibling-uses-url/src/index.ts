import './client';
import './mail';
