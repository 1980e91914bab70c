"""Every sentence the pages say that is not a setting's own label or help (those live in `distill_core/config.py`)."""

from __future__ import annotations

PRODUCT = "Stillroom"
PURPOSE = "Make a language model small enough to use everywhere."
PURPOSE_MORE = (
    "Teachers in, student out, evidence attached: one or several large language models teach a small one, "
    "and every claim about the result is measured beside it."
)
RUN_DEMO = "Run the demo"
DEMO_HINT = "Two bundled teachers, one student, on this machine; no network needed."
NEW_FROM_DATA = "New run from my data"
EXAMPLES_HEAD = "Examples you can open"
EXAMPLES_ABOUT = "Finished runs to look at. They stay as they are; Duplicate makes one your own."
RECIPES_HEAD = "Recipes to start from"

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
#: beside a folded step
CHANGE = "Change"
#: a folded step with errors; {s} and {need} are the endings for one or several
ATTENTION = "{number} setting{s} need{need} attention"
MISSING = "Before it can start"
NOTHING_MISSING = "Nothing is missing. Start checks everything once more."
AND_MORE = "and {number} more"
START_AGAIN = "Start again"
UNDO = "Bring back what I had"
STARTED_AGAIN = "The form is as it was at first."
BROUGHT_BACK = "What you had typed is back."
FROM_RUN = "Filled in from the run “{name}”, which stays as it is. Change what you like."
FROM_RECIPE = "Filled in from the recipe “{title}”. Change what you like."
FROM_FILE = "Filled in from your file."
NO_SUCH_RUN = "There is no such run here to start from; it may have been deleted."
NO_SUCH_RECIPE = "There is no such recipe. All of them stand at Method."
LEFT_OUT = "This could not be taken over:"

EVIDENCE = "Evidence"
EVIDENCE_HELP = "How many seeds each arm is trained with. Every seed takes the time of one more training."
#: level → (title, seeds, what it allows to be said)
EVIDENCE_LEVELS = {
    "quick": (
        "Quick",
        1,
        "which of the trained models is better on this test set; not whether the teachers or luck made it so.",
    ),
    "solid": ("Solid", 3, "whether the teachers helped, where the effect is clearly larger than the seeds' luck."),
    "strong": ("Strong", 5, "the same of smaller effects: the seeds' part of an interval is about half that of three."),
}
EVIDENCE_CHOICE = "{title}\n{seeds}: can say {says}"
SIGNALS = {
    "cached": "Teacher answers are kept on disk: each teacher is asked once about each text, and epochs, arms, seeds "
    "and later runs share what it said.",
    "live": "Teachers are asked anew at every step: nothing is kept on disk, and they compute in every epoch.",
}
SIGNALS_MIXED = "Mixtures of texts are new at every step, so nothing could be kept."
EXPECTED = "What it will take"
EXPECTED_TIME = "Time"
EXPECTED_MEMORY = "Memory"
EXPECTED_DISK = "Disk"
MEASURING = "measuring …"
MEASURING_MORE = "Measuring on this machine how long a step takes: seconds, or a minute while it is busy."
NOT_ESTIMATED = "The time cannot be told yet:"
YAML_DOWNLOAD = "Download"
YAML_LABEL = "run.yaml"
COMMAND_LABEL = "The same run without the page"
YAML_IN = "Fill in all steps from a YAML file"
YAML_IN_HELP = "A run.yaml from here or from a run's folder. It replaces what stands in all five steps."
YAML_UPLOAD = "Upload a file"
YAML_PASTE = "Or paste it here"
YAML_FILL = "Fill in"
YAML_UNREAD = "The file could not be read as text."
YAML_NOTHING = "There is nothing to read here yet."
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

#: a recipe that does not suit what is chosen so far, on its card and once it is pressed
NOT_NOW = "Not now: {reason}"
NOT_FILLED = "{title} was not filled in."
FILL_ANYWAY = "Fill it in all the same"
GO_TO = "Go to {step}"
TAKES = "Takes {span} here"
TAKES_MEASURING = "Measuring how long it takes here …"

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
    "training.precision": {"auto": "Auto", "fp32": "fp32", "bf16": "bf16"},
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
    "controls": {
        "no_teacher": "Same student, no teachers",
        "uniform": "Uniform teacher weights",
        "without_each": "Without each teacher",
    },
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
SLIDER = "{label}, by slider"
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

FILE_USED = "{name} is used. Upload another file to replace it."
NOTHING_UPLOADED = "Upload a training file to see its first rows here."
UNKNOWN_RUN = "There is no run with this name here. It may have been deleted, or the link belongs to another machine."
NOTHING_YET = "nothing chosen yet"
FORBIDDEN_ORIGIN = "This request came from another site and was refused. Open the page at its own address."
FORBIDDEN_HOST = (
    "This address is not on the list of hosts this app answers to. Add it to STILLROOM_ALLOWED_HOSTS "
    "if it is yours, and start the app again."
)
