"""Every sentence the pages say that is not a setting's own label or help (those live in `distill_core/config.py`)."""

from __future__ import annotations

PRODUCT = "Stillroom"
PURPOSE = "Make a language model small enough to use everywhere."
PURPOSE_MORE = (
    "Teachers in, student out, evidence attached: one or several large text classifiers teach a small one, "
    "and every claim about the result is measured beside it."
)
RUN_DEMO = "Run the demo"
DEMO_HINT = "Two bundled teachers, one student, on this machine; no network needed."
NEW_FROM_DATA = "New run from my data"

STEPS = ("Data", "Teachers", "Student", "Method", "Review")
STEP_INTRO = {
    "Data": "What is to be predicted, and the rows to learn it from.",
    "Teachers": "One to eight encoders that know language already: bundled, in a folder, or on the Hub (safetensors).",
    "Student": "The small model you want to have. Sizes and compression follow as you type.",
    "Method": "How the student learns from its teachers. A recipe fills the settings in; change whatever you like.",
    "Review": "What will run, as a file and as a command. Checking also reads the data and the checkpoints.",
}
HELD_OUT = "Validation and test rows are held out by themselves where you have no file for them."
CONTINUE = "Continue"
ADD_TEACHER = "Add a teacher"
REMOVE_TEACHER = "Remove"
CHECK = "Check everything"
START = "Start run"
STARTING = "Starting …"
ALL_SETTINGS = "More settings"
#: recipes that stand first in the chooser, where they are there
FIRST_RECIPES = ("mt_bert", "single_teacher", "transfer_bilstm", "xtremedistil_ner", "weak_teacher")
RECIPE_HELP = (
    "Fills in the teachers' training, student, objective and training. Data and teachers stay as you chose them, "
    "unless the recipe is for another task."
)

SOURCES = (("Bundled", "bundled"), ("My files", "files"), ("Hugging Face Hub", "hub"))
MODES = {"as_is": "Used as they are", "separate": "Finetuned separately", "cofinetune": "Co-finetuned (MT-BERT)"}
CHOICES = {
    "teacher_training.mode": MODES,
    "objective.soft_label_weight_shape": {"linear": "Linear", "cosine": "Cosine"},
    "objective.hidden_loss": {"mse": "MSE", "cosine": "Cosine", "kl": "KL"},
    "objective.hidden_layers": {"uniform": "Uniform", "last": "The last", "top": "The topmost"},
    "objective.hidden_projection": {
        "teacher": "The teacher",
        "student": "The student",
        "student_gelu": "The student, with a GELU",
    },
    "objective.hidden_level": {"auto": "Auto", "token": "Token", "word": "Word", "pooled": "Pooled"},
    "training.schedule": {
        "linear": "Linear",
        "cosine": "Cosine",
        "cosine_restarts": "Cosine with restarts",
        "constant": "Constant",
    },
    "data.format": {
        "auto": "Auto",
        "csv": "CSV",
        "tsv": "TSV",
        "jsonl": "JSONL",
        "parquet": "Parquet",
        "conll": "CoNLL",
    },
    "data.header": {"auto": "Auto", "yes": "Yes", "no": "No"},
    "data.quoting": {"auto": "Auto", "yes": "Yes", "no": "No"},
    "signals": {"cached": "Kept on disk", "live": "Asked anew at every step"},
    "device": {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"},
    "controls": {"no_teacher": "Same student, no teachers", "uniform": "Uniform teacher weights"},
}

#: what a choice of the catalogue may need, in words
NEEDS = {
    "gold": "gold labels",
    "several": "two or more teachers",
    "transformer": "a transformer student",
    "same_tokeniser": "equal tokenisers",
    "equal_heads": "equal numbers of attention heads",
    "text": "one label a text",
    "live": "live teacher signals",
}
ADVICE = {"info": "Note", "warning": "Advice"}
ITEM_HELP = "Settings of one item"
EXAMPLES = {
    "training.stages": (
        "- name: representation\n  terms: {hidden: 1}\n  data: transfer\n  epochs: 10\n"
        "- name: labels\n  terms: {hard: 1, soft: {start: 4, end: 1}}\n  unfreeze: true"
    ),
}
#: the objective's further settings, by what they are about
OBJECTIVE_GROUPS = (
    ("Soft labels", ("objective.soft_label", "objective.label_revision")),
    ("Hidden states", ("objective.hidden",)),
    ("Further terms", ("objective.teacher_label", "objective.matching", "objective.mixup")),
)
PATHS = "Paths instead of uploads"
PATHS_HELP = (
    "Instead of an upload: a path on this machine. {language} in it stands for each of the languages, "
    "as in data/{language}.conll."
)
STORED_LANGUAGES = "Stored, one file a language: {languages}."
PRESET = "Size"
PRESET_HELP = "A known shape; its numbers go into the fields below, where you can change them."
OWN_PRESET = "My own size"

NOTHING_UPLOADED = "Upload a training file to see its first rows here."
UNKNOWN_RUN = "There is no run with this name here. It may have been deleted, or the link belongs to another machine."
NOTHING_YET = "nothing chosen yet"
FORBIDDEN_ORIGIN = "This request came from another site and was refused. Open the page at its own address."
FORBIDDEN_HOST = (
    "This address is not on the list of hosts this app answers to. Add it to STILLROOM_ALLOWED_HOSTS "
    "if it is yours, and start the app again."
)
