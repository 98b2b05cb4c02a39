export enum Kind { Http = 'http' }
