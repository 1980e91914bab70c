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
    "Data": "Texts with classes. Validation and test rows are held out by themselves where you have no file for them.",
    "Teachers": "One to eight encoders that know language already: bundled, in a folder, or on the Hub (safetensors).",
    "Student": "The small model you want to have. Sizes and compression follow as you type.",
    "Method": "How the student learns from its teachers. A recipe fills the settings in; change whatever you like.",
    "Review": "What will run, as a file and as a command. Checking also reads the data and the checkpoints.",
}
CONTINUE = "Continue"
ADD_TEACHER = "Add a teacher"
REMOVE_TEACHER = "Remove"
CHECK = "Check everything"
START = "Start run"
STARTING = "Starting …"
ALL_SETTINGS = "More settings"
NO_RECIPE = "My own settings"

SOURCES = (("Bundled", "bundled"), ("My files", "files"), ("Hugging Face Hub", "hub"))
KINDS = (("Transformer", "transformer"), ("BiLSTM", "bilstm"))
MODES = {"as_is": "Used as they are", "separate": "Finetuned separately", "cofinetune": "Co-finetuned (MT-BERT)"}
CHOICES = {
    "teacher_training.mode": MODES,
    "student.initialise": {
        "random": "Random",
        "teacher_layers": "Layers of a teacher",
        "svd": "SVD of a teacher's embedding",
    },
    "student.layer_choice": {"first": "The first", "every_other": "Every other", "last": "The last"},
    "student.pooling": {"max": "Maximum", "mean": "Mean", "last": "Last state"},
    "objective.teacher_weighting": {"uniform": "Uniform", "mt_bert": "MT-BERT: 1/(1+CE)"},
    "objective.hidden_level": {"auto": "Auto", "token": "Token", "word": "Word", "pooled": "Pooled"},
    "training.schedule": {"linear": "Linear", "cosine": "Cosine", "constant": "Constant"},
    "data.format": {"auto": "Auto", "csv": "CSV", "tsv": "TSV", "jsonl": "JSONL", "parquet": "Parquet"},
    "data.header": {"auto": "Auto", "yes": "Yes", "no": "No"},
    "data.quoting": {"auto": "Auto", "yes": "Yes", "no": "No"},
    "device": {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"},
    "controls": {"no_teacher": "Same student, no teachers", "uniform": "Uniform teacher weights"},
}

NOTHING_UPLOADED = "Upload a training file to see its first rows here."
UNKNOWN_RUN = "There is no run with this name here. It may have been deleted, or the link belongs to another machine."
NOTHING_YET = "nothing chosen yet"
FORBIDDEN_ORIGIN = "This request came from another site and was refused. Open the page at its own address."
FORBIDDEN_HOST = (
    "This address is not on the list of hosts this app answers to. Add it to STILLROOM_ALLOWED_HOSTS "
    "if it is yours, and start the app again."
)
