import '@/first';
