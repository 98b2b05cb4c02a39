export declare const config: { port: string };
