"""Words of the public API that are no tool's description (those stand where the functions are)."""

NO_TEXT = "config must be text: YAML, or JSON."
NO_MAP = "this is no run config: a list of `key: value` settings is needed."
NO_MAP_HINT = "Start from a recipe."
NOT_STARTED = "The run was not started."
NO_TEXTS = "texts must be a list of texts, and pairs one of as many, or nothing."
#: of a field's problem: where, what, what to do
PROBLEM = "{field}: {message} {hint}"
#: after a Space's refusal
NOT_THE_OWNERS = "Send its owner's access token, one that may write (docs/api.md), or duplicate the Space."
