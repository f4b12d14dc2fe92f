// Before the first paint: the theme chosen in this browser. Not a module, because modules run too late.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is closed: the system's theme it is.
}
