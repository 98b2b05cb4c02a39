export const Page = ({ title }: { title: string }) => <h1>{title}</h1>;
