// Checks of the browser code; see CONTRIBUTING.md.

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/node_modules/", ".venv/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    rules: {
      eqeqeq: "error",
      "no-undef": "error",
      "no-unused-vars": "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-restricted-globals": ["error", "event", "name", "open", "close", "stop", "parent", "top"],
    },
  },
  { files: ["idc/ui/**/*.js"], languageOptions: { globals: globals.browser } },
  {
    files: ["tests/javascript/**/*.js", "eslint.config.js"],
    languageOptions: { globals: globals.node },
  },
];
