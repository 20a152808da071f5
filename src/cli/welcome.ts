/** What a person sees who starts the program without a command in a terminal. */
export const WELCOME = `faiss-memory gives AI assistants a long-term memory that stays on this machine.

First steps:
  faiss-memory init                  add it to Claude Desktop, Claude Code, Cursor, VS Code, Codex or Windsurf
  faiss-memory add "some fact"       store a memory yourself
  faiss-memory search "a question"   find memories by meaning and by words
  faiss-memory doctor                check that everything works

An MCP client starts it with the same command and without a terminal; it then serves MCP over stdio.
All commands: faiss-memory --help`;
