/** Ends the program, and says nothing, where the reader of its output has closed the pipe (`newleaf check | head -1`). */
export function endWithReader(output: NodeJS.WriteStream): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}
