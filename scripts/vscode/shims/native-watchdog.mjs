// Stands in for @vscode/native-watchdog, which ends an extension host whose parent is gone. We end whole process groups.
export function start() {}
