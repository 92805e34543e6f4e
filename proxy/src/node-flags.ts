/**
 * How Node runs the proxy. Nearly everything that a call allocates dies with the call, if the garbage collector waits long
 * enough to see it: 64 MB of young generation instead of 16. And it collects in the thread whose garbage it is: V8's helper
 * threads wait for one another, which on two busy cores cost as much as the calls themselves (docs/performance.md).
 * Dockerfile and docker-compose.yml start the proxy without the supervisor and say the same flags.
 */
export const nodeFlags = ['--max-semi-space-size=64', '--single-threaded-gc'];
