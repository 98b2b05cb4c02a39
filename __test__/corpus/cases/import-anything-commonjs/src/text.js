export const js = 1;
