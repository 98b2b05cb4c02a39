export * from './user.entity';
export * from './post.entity';
