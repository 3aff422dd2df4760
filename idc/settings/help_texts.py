"""The help text of every setting, on the form and in ``python -m idc train --help``."""

from collections.abc import Mapping

SETTING_HELP: Mapping[str, str] = {
    "data": "The data set's name.",
    "preset": "The network and its proposed settings; each of them can be changed.",
    "architecture": "The network of the preset 'yours', in the form of Build's address, for "
    "example 3x1-w16-k3-max-d0-average.",
    "protocol": "How patches are split into a training part and parts to score on.",
    "unlisted": "Protocol published only: cases in no published list (119 of the 279) are "
    "ignored, so that the split is exactly the papers', or join training.",
    "patches": "How many patches to use, drawn at random at the same rate from both classes "
    "before the split.",
    "folds": "The number of folds of cases (split by case only); 0 for a normal split.",
    "fold": "The fold that is held out and scored, from 1; 0 without folds.",
    "leave_out_marked": "Do not train on patches whose label was marked wrong on Labels, unless "
    "another reviewer marked it keep. They are still scored. The list is fixed when the run "
    "starts.",
    "seed": "Seed of the selection of patches, the split, the initial weights and the order of "
    "patches; the same seed repeats the run.",
    "split_seed": "A separate seed for the selection of patches and the split, to hold out the "
    "same patches as another run; training patches are then resampled with the seed.",
    "epochs": "Passes over the training patches.",
    "batch_size": "Patches per update of the weights.",
    "learning_rate": "The step size of the updates; with one cycle, its maximum. The fast and "
    "accurate presets propose a larger rate for larger batches.",
    "optimizer": "The optimizer: adam, or adamw, which adds weight decay.",
    "weight_decay": "How strongly adamw pulls the weights towards 0 at each step, to reduce "
    "overfitting.",
    "schedule": "A constant learning rate, or one cycle: up to the maximum and down to almost 0 "
    "over all epochs.",
    "label_smoothing": "The share of each label given to the other class, to reduce "
    "overconfidence.",
    "augmentation": "Rotates, mirrors or recolours each training patch at random in every epoch.",
    "balancing": "Positive patches are rarer: class weights increase their weight in the loss, "
    "resampling draws equal numbers of both classes; training patches only.",
    "early_stopping": "Stop when the validation loss has not improved for several epochs.",
    "patience": "Epochs without improvement before early stopping ends the run.",
    "precision": "float32, or mixed: computes in float16 with float32 weights, which is faster on "
    "a GPU.",
    "name": "A name for the run; its id already contains date, time and preset.",
}
