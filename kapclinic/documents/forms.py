"""Forms of documents."""

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.files.uploadedfile import UploadedFile

from kapclinic.documents.files import MAX_BYTES


class CheckForm(forms.Form):
    """A file to be checked."""

    file = forms.FileField(
        label="PDF to check",
        help_text=f"Drop it here or choose it; at most {MAX_BYTES // 1024 // 1024} MB. It is read once and kept nowhere.",
        widget=forms.FileInput(attrs={"accept": "application/pdf"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False

    def clean_file(self) -> UploadedFile:
        """The file, unless it is larger than any that is printed here."""
        upload: UploadedFile = self.cleaned_data["file"]
        if upload.size is not None and upload.size > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
        return upload
